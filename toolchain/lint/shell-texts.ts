import ts from "typescript";

interface ShellText {
  /** The line of the template's start, from 1. */
  readonly line: number;
  readonly text: string;
}

/** The replacement of each interpolated value: one word. */
const word = "sample";

/**
 * The texts of a source with the `sh` tag. Interpolated values are replaced. Texts that are only values are
 * omitted.
 */
export function shellTexts(file: string, source: string): ShellText[] {
  const texts: ShellText[] = [];
  const parsed = ts.createSourceFile(file, source, ts.ScriptTarget.ES2024, true);
  const visit = (node: ts.Node): void => {
    if (ts.isTaggedTemplateExpression(node) && node.tag.getText() === "sh") {
      const parts = partsOf(node.template);
      const { line } = parsed.getLineAndCharacterOfPosition(node.template.getStart());
      if (parts.some((part) => part.trim() !== "")) texts.push({ line: line + 1, text: parts.join(word) });
    }
    ts.forEachChild(node, visit);
  };
  visit(parsed);
  return texts;
}

function partsOf(template: ts.TemplateLiteral): string[] {
  if (ts.isNoSubstitutionTemplateLiteral(template)) return [template.text];
  return [template.head.text, ...template.templateSpans.map(({ literal }) => literal.text)];
}
