/** The default directory of mirrors, with their shared store. */
export const mirrorsDirectory = "/srv/airgapped-maas";
