import { expect, test } from "@jest/globals";
import { checkedNameOnHost, placeOf } from "../../../components/serving/mirror-place.ts";

test.each(["../x", "a/b", "..", ".hidden", "", "a b", "a\nb", "-rf", "ä"])(
  "a component with the name %j needs a nameOnHost",
  (name) => {
    expect(() => checkedNameOnHost(name, undefined)).toThrow(
      /cannot be part of a path.*give it a nameOnHost/,
    );
    expect(checkedNameOnHost(name, "ubuntu")).toBe("ubuntu");
  },
);

test("a name that can be part of a path is used unchanged, and another directory has a separate store", () => {
  expect(checkedNameOnHost("Noble_1.2", undefined)).toBe("Noble_1.2");
  expect(placeOf("images", "Noble_1.2", "/srv/x")).toEqual({ directory: "/srv/x", store: "/srv/x/store" });
});
