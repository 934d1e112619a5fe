import type * as pulumi from "@pulumi/pulumi";

/**
 * What a program may write for a checked value: the value itself, or an output of another resource, for the whole and for
 * every part of it.
 */
export type Declared<Value> = pulumi.Input<DeclaredValue<Value>>;

/** The same for the arguments of a constructor, which are an object of the program's own. */
export type DeclaredValue<Value> = unknown extends Value
  ? Value
  : Value extends string | number | boolean | null | undefined | pulumi.Resource
    ? Value
    : Value extends readonly (infer Item)[]
      ? readonly Declared<Item>[]
      : { readonly [Key in keyof Value]: Declared<Value[Key]> };
