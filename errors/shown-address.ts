/**
 * An address for a message, without user name and password. If the address comes from a server, its query and
 * fragment are removed too: signed addresses of object stores contain credentials there.
 */
export function shownAddress(address: string, { ofServer = false } = {}): string {
  const parsed = URL.parse(address);
  if (parsed && (parsed.username || parsed.password)) {
    return withoutQuery(Object.assign(parsed, { username: "", password: "" }).href, ofServer);
  }
  if (parsed?.host) return withoutQuery(address, ofServer);
  // Special characters in a password make an address invalid. Then the end of the password is not known.
  if (/^[a-z][a-z0-9+.-]*:/i.test(address)) return withoutQuery(address.replace(/^.*@/s, "...@"), ofServer);
  return withoutQuery(address.replace(/^\/\/[^/?#\\]*@/, "//"), ofServer);
}

/**
 * A text that a user wrote instead of a valid address. Everything that may be secret is removed: user name and
 * password before an `@`, with or without a scheme, and the query.
 */
export function shownInput(text: string): string {
  return withoutQuery(text.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, "$1...@"), true);
}

function withoutQuery(address: string, wanted: boolean): string {
  return wanted ? address.replace(/[?#].*$/s, (rest) => `${rest.charAt(0)}...`) : address;
}
