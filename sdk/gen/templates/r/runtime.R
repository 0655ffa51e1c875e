# Calls, jobs and errors, and values as JSON and back. R does not tell a value from
# a vector of one, JSON does; so all values are written and read by their types.
#
# A type is a word (string, int, float, any) or a list:
#   kind = "list", item
#   kind = "mapping", item
#   kind = "tuple", items (by name)
#   kind = "structure", fields (by name), optional (names)

user_agent <- "dynsvc-client-r/0"

# ---- Errors ------------------------------------------------------------------

fail <- function(kind, message, ...) {
  classes <- c(kind, "dynsvc_error", "error", "condition")
  if (kind == "dynsvc_timeout_error") {
    classes <- append(classes, "dynsvc_transport_error", 1L)
  }
  stop(structure(class = classes, list(message = message, call = NULL, ...)))
}

fail_type <- function(path, expected, value) {
  fail("dynsvc_type_error", paste0(path, ": expected ", expected, ", found ", describe(value)))
}

describe <- function(value) {
  if (is.null(value)) {
    return("NULL")
  }
  what <- class(value)[[1L]]
  if (is.atomic(value) && length(value) == 1L) {
    return(paste0(what, " ", substr(format(value), 1L, 60L)))
  }
  paste0(what, " of length ", length(value))
}

# ---- Values to JSON ----------------------------------------------------------

is_scalar_type <- function(type) is.character(type) && type != "any"

# encode() writes a value of a type. NULL is an empty list or mapping where the type
# is one, and null elsewhere.
encode <- function(value, type, path) {
  if (is.character(type)) {
    if (type == "any") {
      return(encode_any(value, path))
    }
    if (is.null(value)) {
      return("null")
    }
    value <- atomic(value)
    if (!is.atomic(value) || length(value) != 1L) {
      fail_type(path, nouns[[type]], value)
    }
    return(encode_vector(value, type, path))
  }
  switch(type$kind,
    list = encode_list(value, type$item, path),
    mapping = encode_mapping(value, type$item, path),
    tuple = encode_tuple(value, type$items, path),
    structure = encode_structure(value, type, path)
  )
}

nouns <- list(string = "a text", int = "an integer", float = "a number")

# atomic() takes the wrapping off what is a vector all the same.
atomic <- function(value) {
  if (is.factor(value) || inherits(value, "integer64")) {
    return(as.character(value))
  }
  if (is.list(value) && !is.object(value) && all(lengths(value) <= 1L) &&
    all(vapply(value, function(v) is.null(v) || is.atomic(v), NA))) {
    value[lengths(value) == 0L] <- NA
    return(unlist(lapply(value, atomic)))
  }
  value
}

# encode_vector() writes each of the scalars; NA is null.
encode_vector <- function(value, type, path) {
  value <- unname(value)
  none <- is.na(value) & !is.nan(value)
  text <- switch(type,
    string = if (is.character(value) || all(none)) encode_text(as.character(value)),
    int = encode_integers(value),
    float = encode_numbers(value)
  )
  wrong <- if (is.null(text)) !none else is.na(text) & !none
  if (any(wrong)) {
    first <- which(wrong)[[1L]]
    if (length(value) > 1L) {
      path <- paste0(path, "[[", first, "]]")
    }
    fail_type(path, nouns[[type]], value[[first]])
  }
  text[none] <- "null"
  text
}

encode_text <- function(value) {
  value <- enc2utf8(value)
  if (!all(validUTF8(value))) {
    return(NULL)
  }
  vapply(value, function(v) {
    text <- as.character(jsonlite::toJSON(v, na = "null"))
    substr(text, 2L, nchar(text) - 1L)
  }, "", USE.NAMES = FALSE)
}

# encode_integers() gives NA for what is none. Text holds integers that are too
# large for a number.
encode_integers <- function(value) {
  if (is.character(value)) {
    return(ifelse(grepl("^-?(0|[1-9][0-9]*)$", value), value, NA_character_))
  }
  if (!is.numeric(value) && !is.logical(value)) {
    return(NULL)
  }
  value <- as.double(value)
  good <- is.finite(value) & value == round(value) & abs(value) < 2^63
  ifelse(good, sprintf("%.0f", value), NA_character_)
}

encode_numbers <- function(value) {
  if (is.character(value)) {
    return(ifelse(grepl("^-?[0-9]{16,}$", value), value, NA_character_))
  }
  if (!is.numeric(value)) {
    return(if (all(is.na(value))) rep(NA_character_, length(value)))
  }
  value <- as.double(value)
  text <- sprintf("%.15g", value)
  short <- is.finite(value) & suppressWarnings(as.double(text)) != value
  text[short] <- sprintf("%.17g", value[short])
  ifelse(is.finite(value), text, NA_character_)
}

array_of <- function(parts) paste0("[", paste(parts, collapse = ","), "]")

object_of <- function(names, parts) {
  if (length(parts) == 0L) {
    return("{}")
  }
  paste0("{", paste0(encode_text(names), ":", parts, collapse = ","), "}")
}

# rows() takes a data frame or a matrix apart.
rows <- function(value) {
  if (is.data.frame(value)) {
    return(lapply(seq_len(nrow(value)), function(i) lapply(value, function(column) column[[i]])))
  }
  if (is.matrix(value)) {
    return(lapply(seq_len(nrow(value)), function(i) unname(value[i, ])))
  }
  value
}

encode_list <- function(value, item, path) {
  if (is_scalar_type(item)) {
    value <- atomic(value)
    if (length(value) == 0L) {
      return("[]")
    }
    if (!is.atomic(value)) {
      fail_type(path, paste("a vector, each", nouns[[item]]), value)
    }
    return(array_of(encode_vector(value, item, path)))
  }
  value <- rows(value)
  if (!is.null(value) && !is.list(value) && !(is.character(item) && is.atomic(value))) {
    fail_type(path, "a list", value)
  }
  array_of(vapply(seq_along(value), function(i) {
    encode(value[[i]], item, paste0(path, "[[", i, "]]"))
  }, ""))
}

names_of <- function(value, path) {
  if (length(value) > 0L && (is.null(names(value)) || anyNA(names(value)))) {
    fail_type(path, "names", value)
  }
  as.character(names(value))
}

encode_mapping <- function(value, item, path) {
  if (!is.null(value) && !is.list(value) && !is.atomic(value)) {
    fail_type(path, "a named list", value)
  }
  names <- names_of(value, path)
  object_of(names, vapply(seq_along(value), function(i) {
    encode(value[[i]], item, paste0(path, "$", names[[i]]))
  }, ""))
}

encode_tuple <- function(value, items, path) {
  if (is.null(value)) {
    return("null")
  }
  value <- if (is.data.frame(value) && nrow(value) == 1L) rows(value)[[1L]] else value
  if (!is.list(value) && !is.atomic(value) || length(value) != length(items)) {
    fail_type(path, paste("a list of", length(items)), value)
  }
  if (!is.null(names(value)) && setequal(names(value), names(items))) {
    value <- value[names(items)]
  }
  array_of(vapply(seq_along(items), function(i) {
    encode(value[[i]], items[[i]], paste0(path, "[[", i, "]]"))
  }, ""))
}

encode_structure <- function(value, type, path) {
  if (is.null(value)) {
    return("null")
  }
  if (is.data.frame(value) && nrow(value) == 1L) {
    value <- rows(value)[[1L]]
  }
  if (!is.list(value) && !is.atomic(value)) {
    fail_type(path, "a named list", value)
  }
  names <- names_of(value, path)
  leave <- names %in% type$optional & vapply(value, is.null, NA)
  value <- value[!leave]
  names <- names[!leave]
  object_of(names, vapply(seq_along(value), function(i) {
    item <- type$fields[[names[[i]]]]
    encode(value[[i]], if (is.null(item)) "any" else item, paste0(path, "$", names[[i]]))
  }, ""))
}

# encode_any() writes what has no type: a vector of one is a value, unless I() says
# that it is a list of one.
encode_any <- function(value, path) {
  if (is.null(value)) {
    return("null")
  }
  boxed <- inherits(value, "AsIs")
  if (inherits(value, c("Date", "POSIXt", "factor", "integer64"))) {
    value <- as.character(value)
  }
  if (is.data.frame(value) || is.matrix(value)) {
    return(array_of(vapply(rows(value), function(row) {
      if (is.list(row)) encode_any(row, path) else array_of(any_vector(row, path))
    }, "")))
  }
  if (is.list(value)) {
    parts <- vapply(seq_along(value), function(i) encode_any(value[[i]], paste0(path, "[[", i, "]]")), "")
    return(if (is.null(names(value))) array_of(parts) else object_of(names_of(value, path), parts))
  }
  if (!is.atomic(value)) {
    fail_type(path, "data", value)
  }
  parts <- any_vector(value, path)
  if (!is.null(names(value))) {
    return(object_of(names_of(value, path), parts))
  }
  if (length(parts) == 1L && !boxed) parts else array_of(parts)
}

any_vector <- function(value, path) {
  if (is.logical(value)) {
    return(ifelse(is.na(value), "null", ifelse(value, "true", "false")))
  }
  if (is.raw(value)) {
    value <- as.integer(value)
  }
  if (!is.character(value) && !is.numeric(value)) {
    fail_type(path, "data", value)
  }
  encode_vector(value, if (is.character(value)) "string" else "float", path)
}

# ---- JSON to values ----------------------------------------------------------

parse <- function(text) {
  tryCatch(
    list(value = jsonlite::parse_json(text, simplifyVector = FALSE, bigint_as_char = TRUE)),
    error = function(e) NULL
  )
}

misfit <- function(path, expected, value, reply) {
  fail("dynsvc_transport_error",
    paste0("the result is not what the interface says: ", path, ": expected ", expected, ", found ", describe(value)),
    status = reply$status, request_id = reply$request_id
  )
}

# decode() reads a value of a type from what the parser gives.
decode <- function(value, type, path, reply) {
  if (is.character(type)) {
    if (type == "any" || is.null(value)) {
      return(value)
    }
    if (is.list(value) || !fits(value, type)) {
      misfit(path, nouns[[type]], value, reply)
    }
    return(as_type(value, type))
  }
  if (is.null(value)) {
    return(NULL)
  }
  object <- type$kind %in% c("mapping", "structure")
  if (!is.list(value) || object != !is.null(names(value))) {
    misfit(path, if (object) "an object" else "an array", value, reply)
  }
  switch(type$kind,
    list = decode_list(value, type$item, path, reply),
    mapping = {
      value[] <- each(value, function(i) decode(value[[i]], type$item, paste0(path, "$", names(value)[[i]]), reply))
      value
    },
    tuple = {
      if (length(value) != length(type$items)) {
        misfit(path, paste("an array of", length(type$items)), value, reply)
      }
      all <- each(value, function(i) decode(value[[i]], type$items[[i]], paste0(path, "[[", i, "]]"), reply))
      names(all) <- names(type$items)
      all
    },
    structure = {
      value[] <- each(value, function(i) {
        name <- names(value)[[i]]
        item <- type$fields[[name]]
        if (is.null(item)) value[[i]] else decode(value[[i]], item, paste0(path, "$", name), reply)
      })
      value
    }
  )
}

each <- function(value, f) lapply(seq_along(value), f)

fits <- function(value, type) {
  switch(type,
    string = is.character(value),
    int = is.logical(value) || is.numeric(value) && value == round(value) || is.character(value) && grepl("^-?[0-9]{16,}$", value),
    float = is.numeric(value) || is.character(value) && grepl("^-?[0-9]{16,}$", value)
  )
}

# as_type() makes numbers of one class of all, but for integers that are too large:
# they stay text.
as_type <- function(value, type) {
  if (type == "string" || is.character(value)) value else as.double(value)
}

decode_list <- function(value, item, path, reply) {
  if (!is_scalar_type(item)) {
    return(each(value, function(i) decode(value[[i]], item, paste0(path, "[[", i, "]]"), reply)))
  }
  none <- lengths(value) == 0L
  value[none] <- NA
  wrong <- !none & vapply(value, function(v) is.list(v) || !fits(v, item), NA)
  if (any(wrong)) {
    first <- which(wrong)[[1L]]
    misfit(paste0(path, "[[", first, "]]"), nouns[[item]], value[[first]], reply)
  }
  if (length(value) == 0L) {
    return(if (item == "string") character() else double())
  }
  as_type(unlist(value), item)
}

# ---- Requests ----------------------------------------------------------------

new_caller <- function(module, url, token, version, timeout, connect_timeout, retry_time, idempotent) {
  if (is.null(url)) {
    url <- Sys.getenv("DYNSVC_URL")
  }
  if (!is.character(url) || length(url) != 1L || !grepl("^https?://[^/]", url, ignore.case = TRUE)) {
    fail("dynsvc_type_error", "give url, or set DYNSVC_URL, to where dynsvc is: it begins with http:// or https:// and has a host")
  }
  for (seconds in list(timeout, connect_timeout, retry_time)) {
    if (!is.numeric(seconds) || length(seconds) != 1L || !isTRUE(seconds >= 0)) {
      fail("dynsvc_type_error", "timeout, connect_timeout and retry_time are numbers of seconds")
    }
  }
  caller <- new.env(parent = emptyenv())
  caller$module <- module
  caller$url <- sub("/+$", "", url)
  caller$token <- if (is.null(token)) "" else token
  caller$version <- if (is.null(version)) "" else version
  caller$timeout <- if (timeout == 0) Inf else timeout
  caller$connect_timeout <- connect_timeout
  caller$retry_time <- retry_time
  caller$idempotent <- idempotent
  caller
}

# handle_of() gives the connection of this process: one that was inherited from
# another is not to be used by both.
handle_of <- function(caller) {
  if (!identical(caller$pid, Sys.getpid())) {
    caller$pid <- Sys.getpid()
    caller$handle <- curl::new_handle()
  }
  caller$handle
}

now <- function() proc.time()[["elapsed"]]

ids <- new.env(parent = emptyenv())
ids$count <- 0

# random_id() leaves the random numbers of the session alone, and does not repeat
# itself where those do.
random_id <- function() {
  ids$count <- ids$count + 1
  noise <- tryCatch(
    {
      source <- file("/dev/urandom", "rb", raw = TRUE)
      on.exit(close(source))
      paste(readBin(source, "raw", 16L), collapse = "")
    },
    error = function(e) basename(tempfile("")),
    warning = function(w) basename(tempfile(""))
  )
  sprintf("%s-%x-%.0f-%d", noise, Sys.getpid(), as.numeric(Sys.time()) * 1e6, as.integer(ids$count))
}

escape <- function(text) curl::curl_escape(enc2utf8(text))

# ask() sends a request, again where that is safe and promises something.
ask <- function(caller, about, verb, path, body = NULL, key = NULL, again = FALSE, timeout = NULL, retry_time = NULL) {
  began <- now()
  timeout <- if (is.null(timeout)) caller$timeout else timeout
  deadline <- began + timeout
  until <- min(deadline, began + if (is.null(retry_time)) caller$retry_time else retry_time)
  pause <- 0.2
  repeat {
    reply <- exchange(caller, verb, path, body, key, again, deadline)
    wait <- worth_waiting(reply, pause, again)
    if (is.null(wait) || now() + wait >= until) {
      break
    }
    Sys.sleep(wait)
    pause <- min(2 * pause, 5)
  }
  if (is.null(reply$failure)) {
    return(checked(reply))
  }
  if (now() > deadline - 0.01) {
    fail("dynsvc_timeout_error", paste0(about, ": no answer within ", format(timeout), " seconds"), status = 0L)
  }
  fail("dynsvc_transport_error", paste0(about, ": ", caller$url, ": ", reply$failure), status = 0L)
}

# worth_waiting() says in how many seconds another try is worth it, or NULL.
worth_waiting <- function(reply, pause, again) {
  if (!is.null(reply$failure)) {
    return(if (reply$refused || again) pause)
  }
  if (reply$status == 503L && !is.null(reply$retry_after)) {
    after <- reply$retry_after
    if (grepl("^[0-9]+$", after)) {
      return(as.numeric(after))
    }
    date <- curl::parse_date(after)
    return(if (is.na(date)) pause else max(0, as.numeric(date) - as.numeric(Sys.time())))
  }
  if (again && reply$status %in% 502:504) pause
}

exchange <- function(caller, verb, path, body, key, again, deadline) {
  handle <- handle_of(caller)
  curl::handle_reset(handle)
  left <- deadline - now()
  if (left <= 0) {
    return(list(failure = "time is up", refused = FALSE))
  }
  curl::handle_setopt(handle,
    customrequest = verb, useragent = user_agent, followlocation = FALSE,
    # Where a kept connection breaks, libcurl sends the request again by itself.
    fresh_connect = !again,
    connecttimeout_ms = ceiling(1000 * caller$connect_timeout),
    timeout_ms = if (is.finite(left)) ceiling(1000 * left) else 0
  )
  headers <- list(Accept = "application/json", Expect = "")
  if (!is.null(body)) {
    content <- charToRaw(enc2utf8(body))
    curl::handle_setopt(handle, post = TRUE, postfieldsize = length(content), postfields = content)
    headers[["Content-Type"]] <- "application/json"
  }
  if (nzchar(caller$token)) {
    headers[["Authorization"]] <- caller$token
  }
  headers[["Idempotency-Key"]] <- key
  curl::handle_setheaders(handle, .list = headers)
  response <- tryCatch(
    curl::curl_fetch_memory(paste0(caller$url, path), handle),
    error = function(e) e
  )
  if (inherits(response, "error")) {
    return(list(failure = conditionMessage(response), refused = refused(response, handle, caller)))
  }
  headers <- curl::parse_headers_list(response$headers)
  list(
    status = response$status_code,
    request_id = headers[["x-request-id"]],
    retry_after = headers[["retry-after"]],
    problem = startsWith(paste0(headers[["content-type"]], ""), "application/problem+json"),
    text = text_of(response$content)
  )
}

# refused() says that nobody listened: the name was found, and connecting failed
# before its time was up.
refused <- function(error, handle, caller) {
  if (inherits(error, "curl_error_couldnt_connect")) {
    return(TRUE)
  }
  times <- curl::handle_data(handle)$times
  times[["namelookup"]] > 0 && times[["connect"]] == 0 && times[["pretransfer"]] == 0 &&
    times[["total"]] < caller$connect_timeout
}

text_of <- function(content) {
  text <- tryCatch(rawToChar(content), error = function(e) "")
  Encoding(text) <- "UTF-8"
  text
}

# checked() throws the error that a reply may be: of JSON-RPC, or a problem as RFC
# 9457 has it.
checked <- function(reply) {
  parsed <- parse(reply$text)
  json <- parsed$value
  reply$json <- json
  if (is.null(names(json))) {
    json <- list()
  }
  if (reply$problem && length(json) > 0L) {
    fail("dynsvc_rpc_error", word(json[["detail"]]),
      code = 0L, name = word(json[["title"]]), data = json,
      status = reply$status, request_id = reply$request_id
    )
  }
  error <- json[["error"]]
  if (is.list(error) && is.null(json[["state"]])) {
    fail_rpc(error, word(error[["name"]]), reply)
  }
  if (reply$status %/% 100L != 2L || is.null(parsed) && nzchar(reply$text)) {
    not_understood(reply)
  }
  reply
}

fail_rpc <- function(error, name, reply, otherwise = "", job = NULL) {
  message <- word(error[["message"]])
  fail("dynsvc_rpc_error", if (nzchar(message)) message else otherwise,
    code = if (is.numeric(error[["code"]])) error[["code"]] else 0L,
    name = name,
    data = if (is.null(error[["data"]])) error[["error"]] else error[["data"]],
    status = reply$status, request_id = reply$request_id, job = job
  )
}

word <- function(value) if (is.character(value)) value else ""

not_understood <- function(reply) {
  fail("dynsvc_transport_error",
    paste0("HTTP ", reply$status, " with an answer that is not understood: ", substr(reply$text, 1L, 200L)),
    status = reply$status, request_id = reply$request_id
  )
}

# ---- Calls and jobs ----------------------------------------------------------

encode_params <- function(func, params) {
  array_of(vapply(seq_along(func$params), function(i) {
    encode(params[[i]], func$params[[i]], paste0(func$name, ": ", names(func$params)[[i]]))
  }, ""))
}

# read_results() gives nothing, the one result, or a list of all.
read_results <- function(func, result, reply) {
  types <- func$results
  if (length(types) == 0L) {
    return(invisible(NULL))
  }
  if (!is.list(result) || length(result) != length(types)) {
    misfit(func$name, paste("an array of", length(types)), result, reply)
  }
  values <- each(types, function(i) decode(result[[i]], types[[i]], paste0(func$name, ": ", names(types)[[i]]), reply))
  if (length(values) == 1L) {
    return(values[[1L]])
  }
  names(values) <- names(types)
  values
}

call_now <- function(caller, func, params, timeout) {
  method <- paste0(caller$module, ".", func$name)
  reply <- ask(caller, method, "POST",
    paste0("/svc/", escape(caller$module), if (nzchar(caller$version)) paste0("@", escape(caller$version))),
    body = object_of(
      c("version", "id", "method", "params"),
      c("\"1.1\"", encode_text(random_id()), encode_text(method), encode_params(func, params))
    ),
    again = func$name %in% caller$idempotent,
    timeout = timeout
  )
  if (!"result" %in% names(reply$json)) {
    not_understood(reply)
  }
  read_results(func, reply$json[["result"]], reply)
}

submit_job <- function(caller, func, params) {
  version <- if (nzchar(caller$version)) caller$version else "release"
  # The key lets the server know a request that comes again.
  reply <- ask(caller, paste0("submit ", caller$module, ".", func$name), "POST",
    paste(c("/api/v1/modules", escape(caller$module), "versions", escape(version), "methods", escape(func$name), "jobs"), collapse = "/"),
    body = object_of("params", encode_params(func, params)),
    key = random_id(),
    again = TRUE
  )
  id <- if (is.list(reply$json)) reply$json[["id"]]
  if (!is.character(id)) {
    not_understood(reply)
  }
  new_job(caller, func, id)
}

# run_job() cancels the job where waiting for it was given up: nobody else knows of
# it.
run_job <- function(caller, func, params, timeout, progress, cancelled) {
  job <- submit_job(caller, func, params)
  over <- FALSE
  on.exit(if (!over) {
    try(ask(caller, "cancel", "DELETE", job_path(job$id), timeout = 5, retry_time = 0), silent = TRUE)
  })
  result <- tryCatch(job$wait(timeout, progress, cancelled),
    dynsvc_rpc_error = function(e) {
      over <<- TRUE
      stop(e)
    },
    dynsvc_cancelled = function(e) {
      over <<- TRUE
      stop(e)
    }
  )
  over <- TRUE
  if (length(func$results) == 0L) invisible(result) else result
}

job_path <- function(id) paste0("/api/v1/jobs/", escape(id))

new_job <- function(caller, func, id) {
  if (!is.character(id) || length(id) != 1L || !nzchar(id)) {
    fail("dynsvc_type_error", "a job has an id, which is a text")
  }
  job <- list(
    id = id,
    check = function() check_job(caller, func, id)$status,
    wait = function(timeout = NULL, progress = NULL, cancelled = NULL) {
      wait_for_job(caller, func, id, timeout, progress, cancelled)
    },
    cancel = function() {
      ask(caller, paste("cancel job", id), "DELETE", job_path(id), again = TRUE)
      invisible(NULL)
    }
  )
  structure(job, class = "DYNSVCCLIENT_job")
}

check_job <- function(caller, func, id, hold = 0) {
  path <- paste0(job_path(id), if (hold > 0) sprintf("?wait=%.0fms", 1000 * hold))
  reply <- ask(caller, paste("check job", id), "GET", path, again = TRUE)
  status <- reply$json
  if (!is.list(status) || !is.character(status[["state"]])) {
    not_understood(reply)
  }
  if (status$state == "done") {
    status["result"] <- list(read_results(func, status[["result"]], reply))
  }
  list(status = status, reply = reply)
}

wait_for_job <- function(caller, func, id, timeout, progress, cancelled) {
  deadline <- now() + if (is.null(timeout)) Inf else timeout
  longest <- if (!is.null(cancelled)) 1 else if (!is.null(progress)) 2 else 30
  longest <- min(longest, caller$timeout / 2)
  seen <- NULL
  repeat {
    if (!is.null(cancelled) && isTRUE(cancelled())) {
      ask(caller, paste("cancel job", id), "DELETE", job_path(id), again = TRUE)
    }
    asked <- now()
    if (asked >= deadline) {
      fail("dynsvc_timeout_error", paste0("job ", id, " is not over after ", format(timeout), " seconds"), status = 0L)
    }
    answer <- check_job(caller, func, id, min(longest, deadline - asked))
    status <- answer$status
    news <- status[c("state", "progress", "message", "attempts")]
    if (!is.null(progress) && !identical(news, seen)) {
      progress(status)
    }
    seen <- news
    if (!status$state %in% c("queued", "running")) {
      break
    }
    # The server holds the question, or answers at once when something changes.
    Sys.sleep(max(0, asked + 0.2 - now()))
  }
  if (status$state == "done") {
    return(if (length(func$results) == 0L) invisible(NULL) else status[["result"]])
  }
  if (status$state == "cancelled") {
    fail("dynsvc_cancelled", paste("job", id, "was cancelled"), request_id = answer$reply$request_id, job = id)
  }
  fail_rpc(as.list(status[["error"]]), status$state, answer$reply, paste("job", id, "is", status$state), id)
}

#' @export
print.DYNSVCCLIENT_job <- function(x, ...) {
  cat("<job ", x$id, ">\n", sep = "")
  invisible(x)
}
