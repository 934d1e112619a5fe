/** A value in the quoting template: one word, or an array with one word per element. */
type Word = string | number | bigint | readonly (string | number | bigint)[];

/**
 * Builds a POSIX shell command in which every interpolated value is plain data:
 *
 *     sh`systemctl restart ${unit}`        sh`rm -f -- ${paths}`
 *
 * A value becomes one word. An array becomes one word per element, and nothing if it is empty. A leading dash is
 * kept: write `--` before paths if the command would read them as options.
 *
 * @throws TypeError for a value with a NUL character, which a shell cannot represent.
 */
export function sh(strings: TemplateStringsArray, ...values: Word[]): string {
  return strings.reduce((text, part, index) => {
    const value = values[index - 1] as Word;
    return (
      text + (Array.isArray(value) ? value.map(quote).join(" ") : quote(value as string | number)) + part
    );
  });
}

/** A value as one word of shell text. */
export function quote(value: string | number | bigint): string {
  const text = String(value);
  if (text.includes("\0")) throw new TypeError("A shell word cannot hold a NUL character");
  if (/^[\w@%+:,./][\w@%+=:,./-]*$/.test(text)) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
