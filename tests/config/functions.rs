//! Every function, by what Terraform's documentation says of it.

use crate::{CLUSTER, load, report};

/// The JSON text of what each expression gives, all of them in one file.
fn values(expressions: &[&str]) -> Vec<String> {
    let settings: String = expressions
        .iter()
        .enumerate()
        .map(|(index, expression)| format!("    \"t.e{index}\" = jsonencode({expression})\n"))
        .collect();
    let text =
        format!("tenant \"a\" {{\n  rds_iam_auth = false\n  settings = {{\n{settings}  }}\n}}\n{CLUSTER}");
    let loaded = load(&text);
    let Some(config) = loaded.config() else {
        panic!("{}", report(&loaded));
    };
    let tenant = config.tenants.values().next().expect("there is one tenant");
    (0..expressions.len())
        .map(|index| tenant.settings[&format!("t.e{index}")].clone())
        .collect()
}

fn check(table: &[(&str, &str)]) {
    let expressions: Vec<&str> = table.iter().map(|(expression, _)| *expression).collect();
    for ((expression, expected), found) in table.iter().zip(values(&expressions)) {
        assert_eq!(found, *expected, "{expression}");
    }
}

#[test]
fn strings() {
    check(&[
        (r#"chomp("hello\r\n\n")"#, r#""hello""#),
        (r#"endswith("hello world", "world")"#, "true"),
        (r#"startswith("hello world", "world")"#, "false"),
        (r#"strcontains("hello world", "wor")"#, "true"),
        (r#"indent(2, "a\nb\nc")"#, r#""a\n  b\n  c""#),
        (r#"join("-", ["foo", "bar"], [1, true])"#, r#""foo-bar-1-true""#),
        (r#"lower("AÀ")"#, r#""aà""#),
        (r#"upper(true)"#, r#""TRUE""#),
        (r#"replace("1 + 2 + 3", "+", "-")"#, r#""1 - 2 - 3""#),
        (
            r#"replace("hello world", "/w.*d/", "everybody")"#,
            r#""hello everybody""#,
        ),
        (
            r#"replace("a1b22", "/(\\d+)/", "<$1>")"#,
            r#""a\u003c1\u003eb\u003c22\u003e""#,
        ),
        (
            r#"regex("[a-z]+", "53453453.345345aaabbbccc23454")"#,
            r#""aaabbbccc""#,
        ),
        (
            r#"regex("(\\d\\d\\d\\d)-(\\d\\d)-(\\d\\d)", "2019-02-01")"#,
            r#"["2019","02","01"]"#,
        ),
        (
            r#"regex("^(?:(?P<scheme>[^:/?#]+):)?(?://(?P<authority>[^/?#]*))?", "https://terraform.io/docs/")"#,
            r#"{"authority":"terraform.io","scheme":"https"}"#,
        ),
        (r#"regexall("[a-z]+", "1234abcd5678efgh9")"#, r#"["abcd","efgh"]"#),
        (r#"regexall("[a-z]+", "123456789")"#, "[]"),
        // As in RE2, `\w` is ASCII, and brackets in a class are themselves.
        (r#"regexall("[\\w.]+", "a.b é_1")"#, r#"["a.b","_1"]"#),
        (
            r#"regexall("[^\\W\\d]|[[]|[]&]|[[:upper:]-]", "é1a[]&A-")"#,
            r#"["a","[","]","\u0026","A","-"]"#,
        ),
        (r#"regexall("\\b\\S\\s?", "ab é c")"#, r#"["a","c"]"#),
        (r#"regex("^[a-z]\\w{0,62}$", "client01")"#, r#""client01""#),
        (r#"split(",", "foo,bar,baz")"#, r#"["foo","bar","baz"]"#),
        (r#"split(",", "")"#, r#"[""]"#),
        (r#"strrev("a☃e\u0301")"#, "\"e\u{301}☃a\""),
        (r#"substr("hello world", 1, 4)"#, r#""ello""#),
        (r#"substr("hello world", -5, -1)"#, r#""world""#),
        (r#"substr("🤔🤷", 0, 1)"#, r#""🤔""#),
        (r#"title("hello world it's")"#, r#""Hello World It'S""#),
        (r#"trim("?!hello?!", "!?")"#, r#""hello""#),
        (r#"trimprefix("helloworld", "hello")"#, r#""world""#),
        (r#"trimsuffix("helloworld", "world")"#, r#""hello""#),
        (r#"trimspace("  hello\n\n")"#, r#""hello""#),
    ]);
}

#[test]
fn formats() {
    check(&[
        (r#"format("Hello, %s!", "Ander")"#, r#""Hello, Ander!""#),
        (r#"format("There are %d lights", 4)"#, r#""There are 4 lights""#),
        (r#"format("%#v", {a = 1})"#, r#""{\"a\":1}""#),
        (r#"format("%#v", "hello")"#, r#""\"hello\"""#),
        (
            r#"format("%v %v %v %v", 1.5, true, null, ["a"])"#,
            r#""1.5 true null [\"a\"]""#,
        ),
        (r#"format("%v", 1000000)"#, r#""1e+06""#),
        (r#"format("%s", 1000000)"#, r#""1000000""#),
        (
            r#"format("%05d|%5d|%-5d|%+d|% d", -42, 42, 42, 42, 42)"#,
            r#""-0042|   42|42   |+42| 42""#,
        ),
        (r#"format("%x %X %o %b", 255, 255, 8, 5)"#, r#""ff FF 10 101""#),
        (
            r#"format("%f %.2f %8.3f|%e %E", 1.5, 1.255, 3.14159, 1500, 0.00015)"#,
            r#""1.500000 1.25    3.142|1.500000e+03 1.500000E-04""#,
        ),
        (
            r#"format("%g %g %.3g", 0.00001234, 123456, 1234.5)"#,
            r#""1.234e-05 123456 1.23e+03""#,
        ),
        (
            r#"format("%q %5s|%-5s|%.2s", "a\"b", "x", "y", "zzz")"#,
            r#""\"a\\\"b\"     x|y    |zz""#,
        ),
        (r#"format("%[2]s %[1]s %s", "a", "b")"#, r#""b a b""#),
        (r#"format("%t %d%%", "true", "5")"#, r#""true 5%""#),
        (
            r#"formatlist("Hello, %s!", ["Valentina", "Ander"])"#,
            r#"["Hello, Valentina!","Hello, Ander!"]"#,
        ),
        (
            r#"formatlist("%s, %s!", "Salutations", ["Valentina", "Ander"])"#,
            r#"["Salutations, Valentina!","Salutations, Ander!"]"#,
        ),
    ]);
}

#[test]
fn numbers() {
    check(&[
        ("abs(-12.4)", "12.4"),
        ("abs(-9223372036854775808)", "9223372036854775808"),
        ("[ceil(5), ceil(5.1), floor(4.9), floor(-4.1)]", "[5,6,4,-5]"),
        ("log(50, 10) < 1.699 && log(16, 2) == 4", "true"),
        ("[max(12, 54, 3), min(12, 54, 3)]", "[54,3]"),
        ("max([12, 54, 3]...)", "54"),
        (
            r#"[parseint("100", 10), parseint("FF", 16), parseint("-10", 2), parseint("Aa", 62)]"#,
            "[100,255,-2,2242]",
        ),
        (
            "[pow(3, 2), pow(4, 0), pow(2, 63), pow(2, -1)]",
            "[9,1,9223372036854775808,0.5]",
        ),
        ("[signum(-13), signum(0), signum(344)]", "[-1,0,1]"),
        ("sum([10, 13, 6, 4.5])", "33.5"),
        ("10 / 4 + 1.5", "4"),
    ]);
}

#[test]
fn lists() {
    check(&[
        (
            r#"[alltrue(["true", true]), alltrue([true, false]), alltrue([]), alltrue([null])]"#,
            "[true,false,true,false]",
        ),
        (
            r#"[anytrue(["true"]), anytrue([false]), anytrue([])]"#,
            "[true,false,false]",
        ),
        (
            r#"chunklist(["a", "b", "c", "d", "e"], 2)"#,
            r#"[["a","b"],["c","d"],["e"]]"#,
        ),
        (r#"chunklist(["a"], 0)"#, r#"[["a"]]"#),
        (
            r#"[coalesce("", "b"), coalesce(null, 1, "a"), coalesce(1, 2)]"#,
            r#"["b","1",1]"#,
        ),
        (r#"coalescelist([], ["c", "d"])"#, r#"["c","d"]"#),
        (r#"compact(["a", "", "b", null, "c"])"#, r#"["a","b","c"]"#),
        (r#"concat(["a", ""], ["b", "c"], [])"#, r#"["a","","b","c"]"#),
        (
            r#"[contains(["a", "b"], "a"), contains(["a"], "d"), contains([1], "1")]"#,
            "[true,false,false]",
        ),
        (
            r#"distinct(["a", "b", "a", "c", "d", "b"])"#,
            r#"["a","b","c","d"]"#,
        ),
        (
            r#"[element(["a", "b", "c"], 3), element(["a", "b", "c"], -1)]"#,
            r#"["a","c"]"#,
        ),
        (
            r#"flatten([["a", "b"], [], ["c", ["d", []]], "e"])"#,
            r#"["a","b","c","d","e"]"#,
        ),
        (r#"index(["a", "b", "c"], "b")"#, "1"),
        (
            r#"[length([]), length(["a"]), length({a = 1}), length("héllo🤷‍♀️")]"#,
            "[0,1,1,6]",
        ),
        (
            r#"matchkeys(["i-123", "i-abc", "i-def"], ["us-west", "us-east", "us-east"], ["us-east"])"#,
            r#"["i-abc","i-def"]"#,
        ),
        (r#"[one([]), one(["a"])]"#, r#"[null,"a"]"#),
        ("range(3)", "[0,1,2]"),
        ("range(1, 4)", "[1,2,3]"),
        ("range(1, 8, 2)", "[1,3,5,7]"),
        ("range(4, 1)", "[4,3,2]"),
        ("range(10, 5, -2)", "[10,8,6]"),
        ("range(0, 1, 0.25)", "[0,0.25,0.5,0.75]"),
        ("range(2, 2)", "[]"),
        ("reverse([1, 2, 3])", "[3,2,1]"),
        (r#"slice(["a", "b", "c", "d"], 1, 3)"#, r#"["b","c"]"#),
        (r#"sort(["e", "d", "a", "x"])"#, r#"["a","d","e","x"]"#),
    ]);
}

#[test]
fn sets_and_maps() {
    check(&[
        (
            r#"setintersection(["a", "b"], ["b", "c"], ["b", "d"])"#,
            r#"["b"]"#,
        ),
        (
            r#"setproduct(["development", "production"], ["app1", "app2"])"#,
            r#"[["development","app1"],["development","app2"],["production","app1"],["production","app2"]]"#,
        ),
        (r#"setproduct(["a"], [])"#, "[]"),
        (r#"setsubtract(["a", "b", "c"], ["a", "c"])"#, r#"["b"]"#),
        (
            r#"setunion(["a", "b"], ["b", "c"], ["d"])"#,
            r#"["a","b","c","d"]"#,
        ),
        (r#"toset(["c", "b", "b"])"#, r#"["b","c"]"#),
        (r#"toset(["a", "b", 3])"#, r#"["3","a","b"]"#),
        (r#"tolist(toset(["b", "a"]))[0]"#, r#""a""#),
        (r#"[for k, v in toset(["x"]) : k == v]"#, "[true]"),
        (r#"keys({b = 1, a = 2})"#, r#"["a","b"]"#),
        (r#"values({b = 1, a = 2})"#, "[2,1]"),
        (r#"[for k, v in {b = 1, a = 2} : "${k}${v}"]"#, r#"["a2","b1"]"#),
        (r#"{b = 1, a = 2} == {a = 2, b = 1}"#, "true"),
        (
            r#"[lookup({a = "ay"}, "a", "what?"), lookup({a = "ay"}, "c", "what?")]"#,
            r#"["ay","what?"]"#,
        ),
        (
            r#"merge({a = "b", c = "d"}, {e = "f", c = "z"}, null)"#,
            r#"{"a":"b","c":"z","e":"f"}"#,
        ),
        (
            r#"transpose({a = ["1", "2"], b = ["2", "3"]})"#,
            r#"{"1":["a"],"2":["a","b"],"3":["b"]}"#,
        ),
        (r#"zipmap(["a", "b"], [1, 2])"#, r#"{"a":1,"b":2}"#),
    ]);
}

#[test]
fn types() {
    check(&[
        (
            r#"[tobool("true"), tobool(false), tobool(null)]"#,
            "[true,false,null]",
        ),
        (
            r#"[tonumber("1"), tonumber("1.5"), tonumber("1e3"), tonumber(null)]"#,
            "[1,1.5,1000,null]",
        ),
        (
            r#"[tostring(1), tostring(true), tostring(null)]"#,
            r#"["1","true",null]"#,
        ),
        (r#"tomap({a = "foo", b = true})"#, r#"{"a":"foo","b":"true"}"#),
        (r#"tolist(["a", 1])"#, r#"["a","1"]"#),
        (r#"try({a = 1}.b, {a = 1}["c"], "fallback")"#, r#""fallback""#),
        (r#"try({a = 1}.a, "fallback")"#, "1"),
        (
            r#"[can({a = 1}.a), can({a = 1}.b), can(tonumber("x"))]"#,
            "[true,false,false]",
        ),
        (r#"[for x in ["1", "y"] : try(tonumber(x), 0)]"#, "[1,0]"),
        (r#"null != null && null.x"#, "false"),
        (r#"true || null.x"#, "true"),
    ]);
}

#[test]
fn encodings() {
    check(&[
        (
            r#"[base64encode("Hello World"), base64decode("SGVsbG8gV29ybGQ=")]"#,
            r#"["SGVsbG8gV29ybGQ=","Hello World"]"#,
        ),
        (
            r#"csvdecode("a,b,c\n1,2,3\n\"4,\"\"x\",5,6\n")"#,
            r#"[{"a":"1","b":"2","c":"3"},{"a":"4,\"x","b":"5","c":"6"}]"#,
        ),
        (r#"csvdecode("a,b\r\n1,2")"#, r#"[{"a":"1","b":"2"}]"#),
        (
            r#"jsondecode("{\"hello\": \"world\", \"n\": [1, 2.5, null, true]}")"#,
            r#"{"hello":"world","n":[1,2.5,null,true]}"#,
        ),
        (r#"jsonencode("<&>")"#, r#""\"\\u003c\\u0026\\u003e\"""#),
        (r#"urlencode("Hello World!~")"#, r#""Hello+World%21~""#),
        (r#"md5("hello world")"#, r#""5eb63bbbe01eeed093cb22bb8f5acdc3""#),
        (
            r#"sha1("hello world")"#,
            r#""2aae6c35c94fcfb415dbe95f408b9ce91ee846ed""#,
        ),
        (
            r#"sha256("hello world")"#,
            r#""b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9""#,
        ),
        (
            r#"base64sha256("hello world")"#,
            r#""uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=""#,
        ),
        (r#"substr(sha512("hello world"), 0, 16)"#, r#""309ecc489c12d6eb""#),
        (
            r#"substr(base64sha512("hello world"), 0, 16)"#,
            r#""MJ7MSJwS1utMxA9Q""#,
        ),
    ]);
}

#[test]
fn networks() {
    check(&[
        (r#"cidrhost("10.12.112.0/20", 16)"#, r#""10.12.112.16""#),
        (r#"cidrhost("10.12.112.0/20", 268)"#, r#""10.12.113.12""#),
        (r#"cidrhost("10.12.112.0/20", -1)"#, r#""10.12.127.255""#),
        (
            r#"cidrhost("fd00:fd12:3456:7890:00a2::/72", 34)"#,
            r#""fd00:fd12:3456:7890::22""#,
        ),
        (r#"cidrhost("::/0", 1)"#, r#""::1""#),
        (r#"cidrnetmask("172.16.0.0/12")"#, r#""255.240.0.0""#),
        (r#"cidrnetmask("0.0.0.0/0")"#, r#""0.0.0.0""#),
        (r#"cidrsubnet("172.16.0.0/12", 4, 2)"#, r#""172.18.0.0/16""#),
        (r#"cidrsubnet("10.1.2.0/24", 4, 15)"#, r#""10.1.2.240/28""#),
        (
            r#"cidrsubnet("fd00:fd12:3456:7890::/56", 16, 162)"#,
            r#""fd00:fd12:3456:7800:a200::/72""#,
        ),
        (r#"cidrsubnet("10.0.0.0/8", 0, 0)"#, r#""10.0.0.0/8""#),
        (
            r#"cidrsubnets("10.1.0.0/16", 4, 4, 8, 4)"#,
            r#"["10.1.0.0/20","10.1.16.0/20","10.1.32.0/24","10.1.48.0/20"]"#,
        ),
        (
            r#"cidrsubnets("fd00:fd12:3456:7890::/56", 16, 16, 16, 32)"#,
            r#"["fd00:fd12:3456:7800::/72","fd00:fd12:3456:7800:100::/72","fd00:fd12:3456:7800:200::/72","fd00:fd12:3456:7800:300::/88"]"#,
        ),
        (r#"cidrsubnets("::/0", 1, 1)"#, r#"["::/1","8000::/1"]"#),
    ]);
}

#[test]
fn splats_and_templates() {
    check(&[
        (r#"[{n = 1, l = [5]}, {n = 2, l = [6]}][*].n"#, "[1,2]"),
        (r#"[{n = 1, l = [5]}, {n = 2, l = [6]}][*].l[0]"#, "[5,6]"),
        (r#"[{l = [5]}, {l = [6]}].*.l[0]"#, "[5]"),
        (r#"{n = 1}[*].n"#, "[1]"),
        ("null[*].n", "[]"),
        (r#""%{ if true }yes%{ else }no%{ endif }""#, r#""yes""#),
        (r#""%{ if false }yes%{ endif }!""#, r#""!""#),
        (
            r#""%{ for k, v in {b = 1, a = 2} }${k}=${v};%{ endfor }""#,
            r#""a=2;b=1;""#,
        ),
        (r#""%{ for x in ["a", "b"] ~}  ${x}  %{~ endfor }.""#, r#""ab.""#),
        (r#""x  ${~ "y  " ~}  z""#, r#""xy  z""#),
        (r#""$${a} %%{b}""#, r#""${a} %{b}""#),
    ]);
    let text = format!(
        "tenant \"a\" {{\n  rds_iam_auth = false\n  settings = {{\n    \"t.x\" = <<-END\n      %{{ for x in [1, 2] ~}}\n      n${{x}}\n      %{{ endfor ~}}\n      done\n      END\n  }}\n}}\n{CLUSTER}"
    );
    let loaded = load(&text);
    let config = loaded.config().unwrap_or_else(|| panic!("{}", report(&loaded)));
    let tenant = config.tenants.values().next().expect("there is one tenant");
    assert_eq!(tenant.settings["t.x"], "n1\nn2\ndone\n");
}
