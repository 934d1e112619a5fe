import { z } from "zod";

/** The input that every resource has. */
export const hostInput = z
  .string()
  .min(1, "must name a host")
  .describe(
    "The machine, as you would type it after ssh. OpenSSH's configuration determines how to log in. Another host replaces the resource.",
  );
