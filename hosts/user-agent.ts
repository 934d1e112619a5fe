/** The User-Agent header. Some servers refuse requests without one, and some refuse curl's. */
export const userAgent = "airgapped-maas";
