# Reference values of the input-output measures from decompr 6.4 and exvatools 0.9 (CRAN).
#   Rscript make.R               the made-up table
#   Rscript make.R wiot_2011.csv WIOD 2011 as well, from the wide table written as CSV (output last)
# Rows: country × industry. Columns: country, industry, Z, final use, output.

library(decompr)
library(exvatools)

parts <- function(file) {
  table <- read.csv(file, check.names = FALSE)
  g <- unique(table$country)
  n <- unique(table$industry)
  cells <- as.matrix(table[, !(names(table) %in% c("country", "industry", "output"))])
  intermediate <- seq_len(nrow(table))
  list(g = g, n = n, cells = cells, Z = cells[, intermediate], Y = cells[, -intermediate],
       fd = unique(sub("^[^_]*_", "", colnames(cells)[-intermediate])))
}

save <- function(frame, name) write.csv(frame, paste0(name, ".csv"), row.names = FALSE)

# exvatools returns one matrix for each term, rows exporter_industry, columns importers.
by_exporter <- function(exvadec, g) {
  terms <- Filter(is.matrix, exvadec)
  total <- function(term) {
    exporter <- sub("_.*$", "", rownames(term))
    as.numeric(tapply(rowSums(term), factor(exporter, g), sum))
  }
  data.frame(exporter = g, lapply(terms, total))
}

small <- parts("small_icio.csv")
object <- load_tables_vectors(x = small$Z, y = small$Y, k = small$g, i = small$n, o = rowSums(small$cells))
save(leontief(object, post = "exports", long = TRUE), "small_icio_decompr_leontief")
save(kww(object), "small_icio_decompr_kww")
save(wwz(object), "small_icio_decompr_wwz")

wio <- make_custom_wio(as.data.frame(small$cells), small$g, small$n, small$fd, year = 2000)
for (method in c("bm_src", "bm_snk", "kww", "wwz", "my", "oecd"))
  for (output in c("standard", "terms"))
    save(by_exporter(make_exvadec(wio, method = method, output = output, quiet = TRUE), small$g),
         sprintf("small_icio_exvatools_%s_%s", method, output))

file <- commandArgs(trailingOnly = TRUE)
if (length(file)) {
  wiod <- parts(file)
  output <- rowSums(wiod$cells)
  save(kww(load_tables_vectors(x = wiod$Z, y = wiod$Y, k = wiod$g, i = wiod$n, o = output)), "wiod11_decompr_kww")
  wio <- make_custom_wio(as.data.frame(wiod$cells), wiod$g, wiod$n, wiod$fd, year = 2011)
  save(by_exporter(make_exvadec(wio, method = "bm_src", quiet = TRUE), wiod$g), "wiod11_exvatools_bm_src")
}
