# Calls, jobs and errors.

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
