/** The state loads the project's own provider from this path. */
export { handler } from "../../../../resources/provider.ts";
