/** Where the text that the state remembers looks for it: the project's own. */
export { handler } from "../../../../resources/provider.ts";
