/** The modules that the SDK loads at its start, but uses only to serialize functions. This project does not serialize. */
export const serializationModules: ReadonlySet<string> = new Set(["typescript", "@npmcli/arborist"]);
