# Values as JSON and back. R does not tell a value from a vector of one, JSON does; so
# all values are written and read by their types.
#
# A type is a word (string, int, float, any) or a list:
#   kind = "list", item
#   kind = "mapping", item
#   kind = "tuple", items (by name)
#   kind = "structure", fields (by name), optional (names)

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

controls <- vapply(c(1:31, 127), function(code) rawToChar(as.raw(code)), "")
escapes <- sprintf("\\u%04x", c(1:31, 127))

# encode_text() gives NULL where there are bytes that are no text.
encode_text <- function(value) {
  value <- enc2utf8(value)
  if (!all(validUTF8(value))) {
    return(NULL)
  }
  value <- gsub("\\", "\\\\", value, fixed = TRUE)
  value <- gsub("\"", "\\\"", value, fixed = TRUE)
  if (any(grepl("[[:cntrl:]]", value, perl = TRUE))) {
    for (i in seq_along(controls)) {
      value <- gsub(controls[[i]], escapes[[i]], value, fixed = TRUE)
    }
  }
  paste0("\"", value, "\"")
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
