import { expect, test } from "@jest/globals";
import { placeOf } from "../../../components/mirror-site.ts";

test.each(["../x", "a/b", "..", ".hidden", "", "a b", "a\nb", "-rf", "ä"])(
  "a component called %j gets no place on a host, declared or not",
  (name) => {
    for (const directory of [undefined, "/srv/x"]) {
      for (const room of ["apt", "images", "custom-images"] as const)
        expect(() => placeOf(room, name, directory)).toThrow(
          /cannot be part of a path.*give it a nameOnHost/,
        );
    }
  },
);

test("any other has its own", () => {
  expect(placeOf("images", "Noble_1.2", "/srv/x")).toEqual({ directory: "/srv/x", store: "/srv/x/store" });
});
