import { z } from "zod";

/** The input that every resource has. */
export const hostInput = z
  .string()
  .min(1, "must name a host")
  .describe(
    "The machine, as one would name it after ssh; how to get in is OpenSSH's configuration. Another host replaces the resource.",
  );
