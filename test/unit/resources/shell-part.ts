/** The names that a part of a script in POSIX sh defines and uses, according to its text. */
export interface ShellFacts {
  readonly functions: ReadonlySet<string>;
  /** Names of called commands, and of those that are passed to a command that calls its argument. */
  readonly called: ReadonlySet<string>;
  readonly assigned: ReadonlySet<string>;
  readonly used: ReadonlySet<string>;
  /** Texts in single quotes that are passed to perl or awk. */
  readonly programs: readonly string[];
}

/** Commands, and functions of the scripts, that call their first argument. */
const callers = new Set(["trap", "in_parallel", "each_unwanted"]);
/** Words after which a command begins. */
const openers = new Set(["if", "then", "elif", "else", "while", "until", "do", "{", "!"]);
const closers = new Set(["fi", "done", "esac", "}"]);
const setByShell = new Set(["PWD"]);

/**
 * @throws Error for here-documents and backquotes, which this parser does not support and the scripts do not
 * use.
 */
export function shellFacts(text: string): ShellFacts {
  return new Reader(text).read();
}

interface Word {
  /** Without quotes. Undefined if it has an expansion. */
  readonly plain: string | undefined;
  /** The unparsed word. */
  readonly raw: string;
  readonly singleQuoted: readonly string[];
}

class Reader {
  readonly #text: string;
  #at = 0;
  readonly #functions = new Set<string>();
  readonly #called = new Set<string>();
  readonly #assigned = new Set<string>();
  readonly #used = new Set<string>();
  readonly #programs: string[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  read(): ShellFacts {
    this.#commands();
    if (this.#at < this.#text.length) throw this.#error("a bracket that closes nothing");
    return {
      functions: this.#functions,
      called: this.#called,
      assigned: this.#assigned,
      used: this.#used,
      programs: this.#programs,
    };
  }

  #error(what: string): Error {
    const line = this.#text.slice(0, this.#at).split("\n").length;
    return new Error(`Line ${line}: ${what}`);
  }

  #next(): string {
    return this.#text[this.#at] ?? "";
  }

  #takes(expected: string): boolean {
    if (!this.#text.startsWith(expected, this.#at)) return false;
    this.#at += expected.length;
    return true;
  }

  #takesMatch(pattern: RegExp): string | undefined {
    const sticky = new RegExp(pattern, "y");
    sticky.lastIndex = this.#at;
    const found = sticky.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  /** Skips blanks and continued lines, and with `lines` also line ends and comments. */
  #skipBlanks(lines = false): void {
    while (this.#takesMatch(lines ? /[ \t\n]+|\\\n|#.*/ : /[ \t]+|\\\n|#.*/)) {}
  }

  /** Parses commands up to the closing bracket, `;;`, `esac`, or the end. */
  #commands(): void {
    for (;;) {
      this.#takesMatch(/(?:[\s&|]|\\\n|;(?!;)|#.*)+/);
      if (this.#next() === "" || this.#next() === ")" || this.#text.startsWith(";;", this.#at)) return;
      if (this.#takes("(")) {
        this.#commands();
        if (!this.#takes(")")) throw this.#error("a bracket is not closed");
        this.#command();
        continue;
      }
      const start = this.#at;
      if (this.#command() === "esac") {
        this.#at = start;
        return;
      }
    }
  }

  /** Parses one simple command, or the word that begins a compound one. Returns its first word. */
  #command(): string | undefined {
    const words: Word[] = [];
    for (;;) {
      this.#skipBlanks();
      if (this.#takesMatch(/\d*(?:>>|[<>]&|>\||[<>])/)) {
        if (this.#next() === "<") throw this.#error("a here-document");
        this.#skipBlanks();
        this.#word();
        continue;
      }
      if (/^(?:[\n;&|()]|$)/.test(this.#next())) break;
      const word = this.#word();
      const name = /^([A-Za-z_]\w*)=/.exec(word.raw)?.[1];
      if (name && words.length === 0) {
        this.#assigned.add(name);
        continue;
      }
      if (words.length === 0 && word.plain === word.raw) {
        if (openers.has(word.raw) || closers.has(word.raw)) return word.raw;
        if (word.raw === "for") return this.#loop();
        if (word.raw === "case") return this.#cases();
        if (this.#takesMatch(/\(\)[ \n]*/)) {
          this.#functions.add(word.raw);
          return word.raw;
        }
      }
      words.push(word);
    }
    return this.#ended(words);
  }

  #ended(words: readonly Word[]): string | undefined {
    const [command, ...given] = words;
    const name = command?.plain;
    if (!name) return name;
    this.#called.add(name);
    if (callers.has(name) && given[0]?.plain) this.#called.add(given[0].plain);
    for (const { plain = "", raw, singleQuoted } of given) {
      if (name === "read" && /^\w+$/.test(plain)) this.#assigned.add(plain);
      const exported = /^([A-Za-z_]\w*)=/.exec(raw)?.[1];
      if (name === "export" && exported) this.#assigned.add(exported);
      if (name === "perl" || name === "awk") this.#programs.push(...singleQuoted);
    }
    return name;
  }

  #loop(): string {
    this.#skipBlanks();
    this.#assigned.add(this.#word().raw);
    this.#skipBlanks();
    while (!/[;\n]/.test(this.#next())) {
      this.#word();
      this.#skipBlanks();
    }
    return "for";
  }

  #cases(): string {
    this.#skipBlanks();
    this.#word();
    this.#skipBlanks();
    if (this.#word().raw !== "in") throw this.#error("a case without in");
    for (;;) {
      this.#skipBlanks(true);
      if (this.#takesMatch(/esac\b/)) return "case";
      while (!this.#takes(")")) {
        this.#takesMatch(/[(|]/);
        this.#skipBlanks();
        this.#word();
        this.#skipBlanks();
      }
      this.#commands();
      this.#takes(";;");
    }
  }

  #word(): Word {
    const start = this.#at;
    const singleQuoted: string[] = [];
    let plain: string | undefined = "";
    for (;;) {
      const next = this.#next();
      if (next === "" || /[\s;&|()<>]/.test(next)) break;
      if (next === "`") throw this.#error("a backquote");
      if (this.#takes("'")) {
        const quoted = this.#takesMatch(/[^']*/) ?? "";
        this.#at += 1;
        singleQuoted.push(quoted);
        plain = plain === undefined ? undefined : plain + quoted;
      } else if (this.#takes('"')) {
        const text = this.#quoted();
        plain = plain === undefined || text === undefined ? undefined : plain + text;
      } else if (next === "$") {
        this.#expansion();
        plain = undefined;
      } else {
        const literal = this.#takesMatch(/(?:\\[\s\S]|[^\s;&|()<>'"`$\\])+/) ?? "";
        plain = plain === undefined ? undefined : plain + literal;
      }
    }
    if (this.#at === start)
      throw this.#error(`no word at ${JSON.stringify(this.#text.slice(start, start + 20))}`);
    return { plain, raw: this.#text.slice(start, this.#at), singleQuoted };
  }

  /** Parses up to the closing quote. Returns the text, or undefined if it has an expansion. */
  #quoted(): string | undefined {
    let text: string | undefined = "";
    while (!this.#takes('"')) {
      if (this.#next() === "$") {
        this.#expansion();
        text = undefined;
      } else {
        const literal = this.#takesMatch(/(?:\\[\s\S]|[^"$\\])+/);
        if (literal === undefined) throw this.#error("a quote that does not end");
        text = text === undefined ? undefined : text + literal;
      }
    }
    return text;
  }

  #expansion(): void {
    this.#at += 1;
    if (this.#takes("((")) this.#arithmetic();
    else if (this.#takes("(")) {
      this.#commands();
      if (!this.#takes(")")) throw this.#error("a bracket is not closed");
    } else if (this.#takes("{")) {
      this.#takesMatch(/#(?!\})/);
      this.#use(this.#takesMatch(/\w+|[@*#?!$-]/));
      while (!this.#takes("}")) this.#piece();
    } else this.#use(this.#takesMatch(/[A-Za-z_]\w*|[\d@*#?!$-]/));
  }

  /** The content of `${...}`. */
  #piece(): void {
    if (this.#takes('"')) this.#quoted();
    else if (this.#takes("'")) this.#takesMatch(/[^']*'/);
    else if (this.#next() === "$") this.#expansion();
    else if (this.#takesMatch(/(?:\\[\s\S]|[^}"'$\\])+/) === undefined)
      throw this.#error("a brace is not closed");
  }

  #arithmetic(): void {
    let depth = 2;
    while (depth > 0) {
      if (this.#next() === "$") this.#expansion();
      else if (this.#takes("(")) depth += 1;
      else if (this.#takes(")")) depth -= 1;
      else if (this.#next() === "") throw this.#error("an arithmetic expression that does not end");
      else this.#use(this.#takesMatch(/[A-Za-z_]\w*|[^$()A-Za-z_]+/));
    }
  }

  #use(name: string | undefined): void {
    if (name && /^[A-Za-z_]\w*$/.test(name) && !setByShell.has(name)) this.#used.add(name);
  }
}
