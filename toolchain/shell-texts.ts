import ts from "typescript";

interface ShellText {
  /** Of the template's first line, from 1. */
  readonly line: number;
  readonly text: string;
}

/** What stands in place of each value: it is one word, whatever it holds. */
const word = "sample";

/** The texts that a source writes with the `sh` tag, each with a word for each value. Those that are values only are left out. */
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
