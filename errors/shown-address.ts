/**
 * An address as it may stand in a message. What names a user goes, and where the address comes from a server, what a
 * query or a fragment says too: signed addresses of object stores carry their permit there.
 */
export function shownAddress(address: string, { ofServer = false } = {}): string {
  const parsed = URL.parse(address);
  if (parsed && (parsed.username || parsed.password)) {
    return withoutQuery(Object.assign(parsed, { username: "", password: "" }).href, ofServer);
  }
  if (parsed?.host) return withoutQuery(address, ofServer);
  // Special characters in a password make an address invalid, and then the end of the password is not known.
  if (/^[a-z][a-z0-9+.-]*:/i.test(address)) return withoutQuery(address.replace(/^.*@/s, "...@"), ofServer);
  return withoutQuery(address.replace(/^\/\/[^/?#\\]*@/, "//"), ofServer);
}

/**
 * What a person wrote where an address belongs, and which cannot be taken for one. Of what may hold a secret
 * nothing is left: a user's name and password before an `@`, with or without a scheme, and a query.
 */
export function shownInput(text: string): string {
  return withoutQuery(text.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, "$1...@"), true);
}

function withoutQuery(address: string, wanted: boolean): string {
  return wanted ? address.replace(/[?#].*$/s, (rest) => `${rest.charAt(0)}...`) : address;
}
