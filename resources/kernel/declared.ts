import type * as pulumi from "@pulumi/pulumi";

/**
 * The type of a checked value in a program: the value itself, or an output of another resource, for the whole or any
 * part of it.
 */
export type Declared<Value> = pulumi.Input<DeclaredValue<Value>>;

/** The same for constructor arguments, which are always a plain object. */
export type DeclaredValue<Value> = unknown extends Value
  ? Value
  : Value extends string | number | boolean | null | undefined | pulumi.Resource
    ? Value
    : Value extends readonly (infer Item)[]
      ? readonly Declared<Item>[]
      : { readonly [Key in keyof Value]: Declared<Value[Key]> };
