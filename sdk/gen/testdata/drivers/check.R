# Checks an installed package and its source: check.R LIBRARY SOURCE

arguments <- commandArgs(trailingOnly = TRUE)
package <- list.files(arguments[[1]])[[1]]
source <- file.path(arguments[[2]], package)

said <- character()
for (page in list.files(file.path(source, "man"), full.names = TRUE)) {
  said <- c(said, format(tools::checkRd(page)))
}
for (file in list.files(file.path(source, "R"), full.names = TRUE)) {
  parse(file, encoding = "UTF-8")
}
namespace <- loadNamespace(package, lib.loc = arguments[[1]])
said <- c(said, capture.output(codetools::checkUsageEnv(namespace)))
said <- c(said, format(tools::codoc(package, lib.loc = arguments[[1]])))
said <- c(said, unlist(tools::undoc(package, lib.loc = arguments[[1]])))
if (length(said) > 0) {
  writeLines(said)
  quit(status = 1)
}
