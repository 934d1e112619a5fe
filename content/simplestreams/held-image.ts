/** An operating system's release on an architecture with all its kernels, or a boot loader, as a mirror holds it. */
export interface HeldImage {
  /** Of all its kernels the newest. */
  readonly serial: string;
  /** Its products in the stream's own names, with the versions held, newest last. */
  readonly products: Readonly<Record<string, readonly string[]>>;
  /** Bytes of its files. */
  readonly bytes: number;
}
