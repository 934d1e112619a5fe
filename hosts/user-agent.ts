/** How we name ourselves to web servers. Some refuse whoever does not, and some refuse curl. */
export const userAgent = "airgapped-maas";
