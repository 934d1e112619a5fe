import { z } from "zod";

/** The name of a host, as in the command `ssh HOST`. */
export const hostName = z
  .string()
  .regex(/^[A-Za-z0-9_.@][A-Za-z0-9_.@:-]*$/, "is not a name one could type after ssh");

/** The input that every resource has. */
export const hostInput = z
  .string()
  .min(1, "must name a host")
  .describe(
    "The machine, as you would type it after ssh. OpenSSH's configuration determines how to log in. Another host replaces the resource.",
  );
