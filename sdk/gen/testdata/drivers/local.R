# What the client of Everything does without a server.

library(EverythingClient)

encode <- EverythingClient:::encode
decode <- EverythingClient:::decode

check <- function(what, got, want) {
  if (!identical(got, want)) {
    stop(what, ":\n  ", paste(deparse(got), collapse = "\n  "), "\nwant:\n  ", paste(deparse(want), collapse = "\n  "))
  }
}

written <- function(value, type) tryCatch(encode(value, type, "x"), dynsvc_type_error = conditionMessage)
list_of <- function(item) list(kind = "list", item = item)
mapping_of <- function(item) list(kind = "mapping", item = item)
pair <- list(kind = "tuple", items = list(a = "int", b = "string"))
thing <- list(kind = "structure", fields = list(a = "int", b = list_of("string")), optional = "b")
options(digits = 3, OutDec = ",", scipen = -9) # none of them matters

cases <- list(
  list("a text", "a", "string", "\"a\""),
  list("a text that is needed to be escaped", "\"\\\n\u0001\u00fc", "string", "\"\\\"\\\\\\u000a\\u0001\u00fc\""),
  list("a factor", factor("a"), "string", "\"a\""),
  list("a number is no text", 1, "string", "x: expected a text, found numeric 1e+00"),
  list("two texts are not one", c("a", "b"), "string", "x: expected a text, found character of length 2"),
  list("nothing", NULL, "string", "null"),
  list("NA", NA, "string", "null"),
  list("bytes that are no text", `Encoding<-`("\xff", "UTF-8"), "string", NULL),
  list("an integer", 5L, "int", "5"),
  list("a number as an integer", 1e15, "int", "1000000000000000"),
  list("100000", 1e5, "int", "100000"),
  list("the largest that is exact", 2^53, "int", "9007199254740992"),
  list("a larger one as text", "9007199254740993", "int", "9007199254740993"),
  list("TRUE", TRUE, "int", "1"),
  list("NA as an integer", NA_integer_, "int", "null"),
  list("a fraction is no integer", 1.5, "int", "x: expected an integer, found numeric 1,5e+00"),
  list("infinity is no integer", Inf, "int", "x: expected an integer, found numeric Inf"),
  list("few digits", 0.1, "float", "0.1"),
  list("all digits", 0.1 + 0.2, "float", "0.30000000000000004"),
  list("a small number", 1e-300, "float", "1e-300"),
  list("NaN is no number", NaN, "float", "x: expected a number, found numeric NaN"),
  list("a text is no number", "1", "float", "x: expected a number, found character 1"),
  list("a vector of one", 1, list_of("float"), "[1]"),
  list("a vector", c(1, NA, 2.5), list_of("float"), "[1,null,2.5]"),
  list("a vector as a list", list(1, NULL, 2.5), list_of("float"), "[1,null,2.5]"),
  list("no vector", NULL, list_of("float"), "[]"),
  list("an empty vector", character(), list_of("string"), "[]"),
  list("an empty list", list(), list_of("string"), "[]"),
  list("the second is wrong", c(1, 1.5), list_of("int"), "x[[2]]: expected an integer, found numeric 1,5e+00"),
  list("a function is no list", sum, list_of("int"), "x: expected a vector, each an integer, found function of length 1"),
  list("a matrix by its rows", matrix(1:4, 2), list_of(list_of("int")), "[[1,3],[2,4]]"),
  list("a matrix of one column", matrix(1:2, 2), list_of(list_of("int")), "[[1],[2]]"),
  list("a data frame by its rows", data.frame(a = 1:2), list_of(thing), "[{\"a\":1},{\"a\":2}]"),
  list("a mapping", list(a = 1, b = NULL), mapping_of("float"), "{\"a\":1,\"b\":null}"),
  list("a mapping as a vector", c(a = 1), mapping_of("float"), "{\"a\":1}"),
  list("an empty mapping", list(), mapping_of("float"), "{}"),
  list("no mapping", NULL, mapping_of("float"), "{}"),
  list("a mapping without names", list(1), mapping_of("float"), "x: expected names, found list of length 1"),
  list("a mapping of lists", list(a = 1), mapping_of(list_of("int")), "{\"a\":[1]}"),
  list("a tuple", list(1, "b"), pair, "[1,\"b\"]"),
  list("a tuple by its names", list(b = "b", a = 1), pair, "[1,\"b\"]"),
  list("a tuple that is too short", list(1), pair, "x: expected a list of 2, found list of length 1"),
  list("a structure", list(a = 1, b = "x"), thing, "{\"a\":1,\"b\":[\"x\"]}"),
  list("an optional field that is not there", list(a = NULL, b = NULL), thing, "{\"a\":null}"),
  list("a field that nobody knows", list(a = 1, c = list(1:2)), thing, "{\"a\":1,\"c\":[[1,2]]}"),
  list("in the depth", list(list(a = "one")), list_of(thing), "x[[1]]$a: expected an integer, found character one"),
  list("any: a value", 1, "any", "1"),
  list("any: TRUE", TRUE, "any", "true"),
  list("any: a vector", c(TRUE, NA), "any", "[true,null]"),
  list("any: a vector of one", I(1), "any", "[1]"),
  list("any: a list of one", list(1), "any", "[1]"),
  list("any: an object", list(a = 1), "any", "{\"a\":1}"),
  list("any: an empty object", structure(list(), names = character()), "any", "{}"),
  list("any: all digits", 0.1 + 0.2, "any", "0.30000000000000004"),
  list("any: a date", as.Date("2024-02-29"), "any", "\"2024-02-29\""),
  list("any: a data frame", data.frame(a = 1, b = "x"), "any", "[{\"a\":1,\"b\":\"x\"}]"),
  list("any: a function", sum, "any", "x: expected data, found function of length 1")
)
for (case in cases) {
  got <- written(case[[2]], case[[3]])
  if (is.null(case[[4]])) {
    stopifnot(grepl("expected", got))
  } else {
    check(case[[1]], got, enc2utf8(case[[4]]))
  }
}

came <- function(json, type) {
  value <- jsonlite::parse_json(json, simplifyVector = FALSE, bigint_as_char = TRUE)
  tryCatch(decode(value, type, "x", list(status = 200L)), dynsvc_transport_error = conditionMessage)
}
check("a vector", came("[1,null,3]", list_of("int")), c(1, NA, 3))
check("a vector of one", came("[\"a\"]", list_of("string")), "a")
check("an empty vector", came("[]", list_of("string")), character())
check("an empty vector of numbers", came("[]", list_of("float")), double())
check("an integer that is a truth value", came("true", "int"), 1)
check("integers of both kinds", came("[1,true]", list_of("int")), c(1, 1))
check("a large integer", came("9007199254740993", "int"), "9007199254740993")
check("a list of vectors", came("[[1],[]]", list_of(list_of("int"))), list(1, double()))
check("a mapping", came("{\"a\":1,\"b\":null}", mapping_of("int")), list(a = 1, b = NULL))
check("a tuple has names", came("[1,\"b\"]", pair), list(a = 1, b = "b"))
check("a structure", came("{\"a\":1,\"z\":{\"y\":[1]}}", thing), list(a = 1, z = list(y = list(1L))))
check("anything", came("[[],{}]", "any"), list(list(), structure(list(), names = character())))
says <- "the result is not what the interface says: x"
check("a text is no integer", came("\"1\"", "int"), paste0(says, ": expected an integer, found character 1"))
check("an object is no array", came("{}", list_of("int")), paste0(says, ": expected an array, found list of length 0"))
check("an array is no object", came("[]", thing), paste0(says, ": expected an object, found list of length 0"))
check("the third", came("[1,2,\"3\"]", list_of("int")), paste0(says, "[[3]]: expected an integer, found character 3"))
check("a short tuple", came("[1]", pair), paste0(says, ": expected an array of 2, found list of length 1"))

refused <- function(call) tryCatch(call, dynsvc_type_error = conditionMessage)
Sys.unsetenv("DYNSVC_URL")
stopifnot(grepl("DYNSVC_URL", refused(everything_client())))
stopifnot(grepl("begins with http", refused(everything_client("ftp://x"))))
stopifnot(grepl("seconds", refused(everything_client("http://x", timeout = "1"))))
client <- everything_client("http://127.0.0.1:1", retry_time = 0)
check("the path of an argument", refused(client$fail("a", "b")), "fail: code: expected an integer, found character a")
check("a job without id", refused(client$job_slow("")), "a job has an id, which is a text")
stopifnot(inherits(tryCatch(client$count(), error = identity), "dynsvc_transport_error"))
stopifnot(any(grepl("echo_record", capture.output(print(client)))))
check("a job", capture.output(print(client$job_slow("j-1"))), "<job j-1>")

# Calls leave the random numbers alone, and keys differ where those do not.
set.seed(1)
before <- .Random.seed
ids <- replicate(3, EverythingClient:::random_id())
stopifnot(identical(before, .Random.seed), !anyDuplicated(ids), all(nchar(ids) >= 16))
