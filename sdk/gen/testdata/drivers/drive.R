# Uses the client of Everything and prints what each step gives; see drive_test.go.

library(EverythingClient)

# plain() makes JSON of what came back without the client's help: tuples have the
# names of their elements, which JSON has not.
tuples <- list(
  c("id", "start", "end"), c("e_1", "e_2", "class", "regions"), c("name", "count"), c("e_1", "e_2"), c("e_1", "inner"),
  c("i", "f", "s", "b"), c("strings", "rows", "columns"), c("return_1", "return_2"), paste0("return_", 1:5)
)
vectors <- c("strings", "matrix", "maybe_list", "columns", "rows")
plain <- function(value, name = "") {
  if (is.atomic(value) && !is.null(value) && (name %in% vectors || length(value) != 1L)) {
    return(I(value))
  }
  if (is.numeric(value) && value > 1e15) {
    return(structure(sprintf("%.0f", value), class = "json")) # jsonlite would print 15 digits
  }
  if (!is.list(value)) {
    return(value)
  }
  result <- lapply(seq_along(value), function(i) {
    inner <- if (is.null(names(value)) || name == "columns") name else names(value)[[i]]
    plain(value[[i]], inner)
  })
  tuple <- any(vapply(tuples, identical, NA, names(value)))
  if (!tuple) {
    names(result) <- names(value)
  }
  result
}

show <- function(step, value) {
  json <- jsonlite::toJSON(plain(value), auto_unbox = TRUE, null = "null", na = "null", digits = NA, json_verbatim = TRUE)
  writeLines(paste0(step, "\t", json), useBytes = TRUE)
}

step <- function(name, call) {
  show(name, tryCatch(call,
    dynsvc_rpc_error = function(e) {
      list(
        error = "rpc", code = e$code, name = e$name, message = conditionMessage(e), data = e$data, status = e$status,
        request_id = !is.null(e$request_id)
      )
    },
    dynsvc_timeout_error = function(e) list(error = "timeout"),
    dynsvc_cancelled = function(e) list(error = "cancelled"),
    dynsvc_transport_error = function(e) list(error = "transport", status = e$status)
  ))
}

client <- function(...) everything_client(token = "secret", ...)
version <- function(version, ...) client(version = version, ...)

record <- list(
  number = -1234567890123, fraction = 0.25, text = "\"q\" \\ \n \u00fcn\u00efcode \u8bd5\u9a8c </script>",
  any = list(a = list(1, NULL, "x", list(b = TRUE)), empty = structure(list(), names = character())),
  strings = "a", matrix = list(c(1.5, -2), c()), labels = c(`k-1` = "v"),
  groups = list(`1` = list(list(name = "n", good = 1))), nested = list(a = list(b = list("s", 1, 2))),
  pair = list("p", 2), pairs = list(list("x", list(name = "y", good = FALSE))), region = list("s1", 10, 20),
  inner = list(name = "in", good = TRUE), inners = NULL, lengths = c(s1 = 5),
  reference = list(workspace = "w", object_id = 7)
)
full <- c(record, list(
  maybe = "", maybe_number = 0, maybe_flag = 1, maybe_list = character(), maybe_map = c(a = 0.5),
  maybe_inner = list(name = "", good = 0), maybe_region = list(start = 0, end = 0, id = "s2"), maybe_any = list(1),
  class = "c"
))
names_of_words <- c(
  "class", "def", "func", "function", "import", "from", "type", "interface", "package", "return", "self", "this",
  "new", "default", "in", "is", "lambda", "my", "sub", "next", "repeat", "hashCode", "None"
)
words <- as.list(setNames(as.character(seq_along(names_of_words)), names_of_words))
names_of_hard <- c("foo_bar", "fooBar", "FooBar", "foo-bar", "foo$bar", "url", "genome_id", "x1y2")
hard <- as.list(setNames(as.character(seq_along(names_of_hard)), names_of_hard))

c1 <- client()

step("echo_record", c1$echo_record(c(record, list(maybe = NULL, maybe_list = NULL))))
step("echo_record_full", c1$echo_record(full))
step("echo_words", c1$echo_words(words))
step("echo_hard", c1$echo_hard(hard))
step("echo_types", c1$echo_types(list(id = "c"), list(id = "j"), "s", data.frame(id = "l"), list(message = "m")))
step("echo_scalars", c1$echo_scalars(1234567890123, 0.5, "it's", TRUE))
step("echo_any", c1$echo_any(list(deep = list(1L, 2.5, list(x = NULL)), list = list())))
step("echo_any_text", c1$echo_any("text"))
step("echo_lists", c1$echo_lists("one", list(c(1, 2), NULL), list(x = 0.5, y = NULL)))
step("echo_lists_nil", c1$echo_lists(NULL, NULL, NULL))
step("echo_rows", c1$echo_rows(list(
  list("a", 1, 0.5, list(list("s", 1, 2), list("t", 3, 4))), list("b", 2, 1.5, list())
)))
step("echo_tuple", c1$echo_tuple(list("n", list(name = "i", good = 1))))
step("echo_empty", c1$echo_empty(list()))
step("echo_reference", c1$echo_reference(list(workspace = "w", object_id = 2^53 - 1)))
step("count", c1$count())
step("forget", c1$forget("it"))
step("nothing", c1$nothing())
step("unnamed", c1$unnamed(1, 2, "x", list(name = "i", good = 0), list()))
step("middle", c1$middle(list(list("l", 1, 2), list("m", 5, 6), list("r", 7, 8))))
step("import", c1$import("a", "b", "c", "d", 5L))
step("close", c1$close("a", "b", "c", "d", "e", "f"))
step("whoami", c1$whoami())
step("version", version(">=1.0 <2/x", timeout = 0)$count())
step("slow_sync", c1$slow(0, ""))

step("fail", c1$fail(17, "it's \"wrong\""))
step("whoami_nobody", everything_client()$whoami())
step("nowhere", version("nowhere")$count())
step("nowhere_job", version("nowhere")$submit_slow_nothing(1))
step("full", version("full")$count())
step("html", version("html")$count())
step("moved", version("moved")$count())
step("liar", version("liar")$count())
step("stuck", version("stuck")$count(.timeout = 0.5))
step("closed", client(url = Sys.getenv("CLOSED_URL"), retry_time = 0.5)$count())

step("busy", version("busy")$count())
step("broken", version("broken")$count())
step("idempotent", version("broken-idempotent", idempotent = "count")$count())

fractions <- c()
step("run_slow", c1$run_slow(3, "", .progress = function(status) fractions <<- c(fractions, status$progress)))
show("run_progress", length(fractions) > 0 && !is.unsorted(fractions))
step("run_pair", c1$run_slow_pair(1))
step("run_nothing", c1$run_slow_nothing(1))
step("run_count", c1$run_count())

job <- c1$submit_slow(1, "")
show("job_id", nzchar(job$id))
step("job_wait", job$wait())
step("job_again", job$wait())
step("job_done", job$check()$state)
step("job_reopened", c1$job_slow(job$id)$wait())

held <- c1$submit_slow(1, "hold")
show("job_running", held$check()$state %in% c("queued", "running"))
step("job_timeout", held$wait(timeout = 0.3))
held$cancel()
step("job_cancel", held$wait())
step("job_failed", c1$run_slow(1, "fail"))
step("job_dead", c1$run_slow(1, "die"))
step("job_broken", version("broken-job")$run_slow_pair(1))
start <- Sys.time()
step("run_stopped", version("stopped")$run_slow(1, "hold", .cancelled = function() Sys.time() > start + 0.3))
