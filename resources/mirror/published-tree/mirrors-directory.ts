/** Where mirrors are kept that name no directory of their own, with the store that they share. */
export const mirrorsDirectory = "/srv/airgapped-maas";
