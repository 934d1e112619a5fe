/* A Pulumi program that declares nothing: what it takes is what the CLI takes. */
export {};
