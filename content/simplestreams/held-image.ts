/** A release of an operating system for one architecture with all its kernels, or a boot loader, in a mirror. */
export interface HeldImage {
  /** The newest serial of all its kernels. */
  readonly serial: string;
  /** Its products by their names in the stream, with the mirrored versions, newest last. */
  readonly products: Readonly<Record<string, readonly string[]>>;
  /** Bytes of its files. */
  readonly bytes: number;
}
