import { assertEquals } from "@std/assert";
import { parse } from "smol-toml";
import { locateKeys } from "../../lib/config/locate.ts";
import type { Path } from "../../lib/config/values.ts";

const text = `# secret = "in a comment"
secret = "x # no comment" # comment
bind-to = [ # first
  ":1", ']:2,',
  { a.b = 1, "c d" = [2] },
]
a.b."c.d" = 1979-05-27 07:32:00
'lit eral' = '''
fake = 1
'''
esc = "\\"fake2 = 1"
multi = """
fake3 = "1" \\""" ""\\"
x"""""

[ network . timeout ]
tcp = "5s"
  [network.timeout.deep] # indented
  x=1
[[users]]
name = "a"
[[users]]
name = "b"
tags = ["x", "y"]
[users.limits]
most = 1
[[users.keys]]
k = 1
[[users.keys]]
k = 2
[stats.prometheus]
"\\u0061bc" = true
`;

Deno.test("locateKeys() does find keys of every form", () => {
  parse(text);
  const locate = locateKeys(text);
  const cases: readonly (readonly [Path, number, number])[] = [
    [["secret"], 2, 1],
    [["bind-to"], 3, 1],
    [["bind-to", 0], 4, 3],
    [["bind-to", 1], 4, 9],
    [["bind-to", 2, "a", "b"], 5, 5],
    [["bind-to", 2, "c d"], 5, 14],
    [["bind-to", 2, "c d", 0], 5, 23],
    [["a"], 7, 1],
    [["a", "b", "c.d"], 7, 1],
    [["lit eral"], 8, 1],
    [["esc"], 11, 1],
    [["multi"], 12, 1],
    [["network"], 16, 1],
    [["network", "timeout"], 16, 1],
    [["network", "timeout", "tcp"], 17, 1],
    [["network", "timeout", "deep"], 18, 3],
    [["network", "timeout", "deep", "x"], 19, 3],
    [["users"], 20, 1],
    [["users", 0], 20, 1],
    [["users", 0, "name"], 21, 1],
    [["users", 1], 22, 1],
    [["users", 1, "name"], 23, 1],
    [["users", 1, "tags", 1], 24, 14],
    [["users", 1, "limits"], 25, 1],
    [["users", 1, "limits", "most"], 26, 1],
    [["users", 1, "keys", 0, "k"], 28, 1],
    [["users", 1, "keys", 1, "k"], 30, 1],
    [["stats"], 31, 1],
    [["stats", "prometheus", "abc"], 32, 1],
  ];
  for (const [path, line, column] of cases) assertEquals(locate(path), { line, column }, JSON.stringify(path));
});

Deno.test("locateKeys() does take nothing in strings and comments for a key", () => {
  const locate = locateKeys(text);
  for (const key of ["fake", "fake2", "fake3", "#", "x"]) assertEquals(locate([key]), undefined, key);
});

Deno.test("locateKeys() does give the nearest enclosing place", () => {
  const locate = locateKeys(text);
  assertEquals(locate(["network", "timeout", "missing"]), { line: 16, column: 1 });
  assertEquals(locate(["users", 7, "name"]), { line: 20, column: 1 });
  assertEquals(locate([]), undefined);
});

Deno.test("locateKeys() does understand Windows line ends and a byte order mark", () => {
  const locate = locateKeys("\uFEFFa = 1\r\nb = [\r\n  2,\r\n]\r\n[t]\r\nc = 'x'\r\n");
  assertEquals(locate(["b", 0]), { line: 3, column: 3 });
  assertEquals(locate(["t", "c"]), { line: 6, column: 1 });
});

Deno.test("locateKeys() does end on texts that are no TOML", () => {
  for (
    const broken of ["[", "[[", "a", "a =", 'a = "', "a = [", "a = {", "= 1", "]", "}", "a = '''", "[a]]] b", "\0"]
  ) {
    locateKeys(broken)(["a"]);
  }
});
