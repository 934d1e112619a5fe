import { posix } from "node:path";
import ts from "typescript";

/** An import: a file names another file or a package, for values or for types only. */
export interface Import {
  /** Below the project. */
  readonly from: string;
  /** A file below the project, or a package's name as written. */
  readonly to: string;
  /** An import of types only, which does not exist at run time. */
  readonly typesOnly: boolean;
  /** The imported name of a package, e.g. `dynamic` of `pulumi.dynamic.Resource`. */
  readonly names: readonly string[];
}

/**
 * Every import of a TypeScript file: declarations, re-exports, `import()` of values and of types, `require()`.
 *
 * @param path Of the file, below the project
 * @throws Error for an import whose name is not a literal, because its target is not known
 */
export function importsOf(path: string, text: string): Import[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports: Import[] = [];
  const add = (name: ts.Node | undefined, typesOnly: boolean, names: readonly string[] = []) => {
    if (!name || !ts.isStringLiteralLike(name)) {
      throw new Error(`${path}: imports something whose name is not written out: ${name?.getText() ?? ""}`);
    }
    const to = name.text.startsWith(".") ? posix.join(posix.dirname(path), name.text) : name.text;
    imports.push({ from: path, to, typesOnly, names });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, isOfTypes(node.importClause), namesIn(node.importClause, source));
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
      add(node.moduleSpecifier, node.isTypeOnly);
    } else if (ts.isImportTypeNode(node)) {
      add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : node.argument, true);
    } else if (ts.isCallExpression(node) && isLoading(node.expression)) {
      add(node.arguments[0], false);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return imports;
}

function isOfTypes(clause: ts.ImportClause | undefined): boolean {
  if (!clause) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const { namedBindings } = clause;
  return (
    !clause.name &&
    namedBindings !== undefined &&
    ts.isNamedImports(namedBindings) &&
    namedBindings.elements.every((element) => element.isTypeOnly)
  );
}

function namesIn(clause: ts.ImportClause | undefined, source: ts.SourceFile): string[] {
  const bindings = clause?.namedBindings;
  if (!bindings) return [];
  if (ts.isNamedImports(bindings))
    return bindings.elements.map(({ propertyName, name }) => (propertyName ?? name).text);
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node) && isCalled(node.expression, bindings.name))
      names.add(node.name.text);
    if (ts.isQualifiedName(node) && isCalled(node.left, bindings.name)) names.add(node.right.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return [...names];
}

function isCalled(node: ts.Node, name: ts.Identifier): boolean {
  return ts.isIdentifier(node) && node.text === name.text;
}

/** `import(...)`, `require(...)`, `createRequire(...)(...)`. */
function isLoading(called: ts.Expression): boolean {
  if (called.kind === ts.SyntaxKind.ImportKeyword) return true;
  if (ts.isIdentifier(called)) return called.text === "require";
  return (
    ts.isCallExpression(called) &&
    ts.isIdentifier(called.expression) &&
    called.expression.text === "createRequire"
  );
}
