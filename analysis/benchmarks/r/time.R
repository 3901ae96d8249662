# Time one R competitor. Usage: Rscript time.R MODEL FILE [REPEATS]
#   MODEL: clogit | buc | clm
#   FILE:  CSV with unit, binary, ordered (1..J), choice (0..J-1) and regressors x1, x2, ...
# Prints one JSON object: the fastest elapsed and processor seconds of REPEATS fits (reading not counted;
# for buc the stacking is), log likelihood and slopes, so that equal answers can be checked.
arguments <- commandArgs(TRUE); model <- arguments[1]; repeats <- if (length(arguments) > 2) as.integer(arguments[3]) else 1
suppressPackageStartupMessages({library(jsonlite); library(switch(model, clogit = , buc = "survival", clm = "ordinal"), character.only = TRUE)})
frame <- as.data.frame(data.table::fread(arguments[2], nThread = 1))
x <- grep("^x[0-9]+$", names(frame), value = TRUE); right <- paste(x, collapse = " + ")
fits <- list(
  clogit = function() clogit(as.formula(paste("binary ~", right, "+ strata(unit)")), frame, method = "exact"),
  buc = function() {
    stacked <- do.call(rbind, lapply(seq_len(max(frame$ordered))[-1], function(cut) data.frame(above = as.numeric(frame$ordered >= cut), stratum = paste(frame$unit, cut), frame[x])))
    mixed <- ave(stacked$above, stacked$stratum, FUN = function(v) max(v) - min(v)) > 0
    clogit(as.formula(paste("above ~", right, "+ strata(stratum)")), stacked[mixed, ], method = "exact") },
  clm = function() clm(as.formula(paste("factor(ordered, ordered = TRUE) ~", right)), data = frame))
elapsed <- processor <- Inf
for (i in seq_len(repeats)) { gc(FALSE); time <- suppressWarnings(system.time(fit <- fits[[model]]())); elapsed <- min(elapsed, time[["elapsed"]]); processor <- min(processor, time[["user.self"]] + time[["sys.self"]]) }
slopes <- if (model == "clm") fit$beta else coef(fit)
value <- if (model %in% c("clogit", "buc")) fit$loglik[2] else as.numeric(logLik(fit))
cat(toJSON(list(model = model, rows = nrow(frame), seconds = elapsed, processor_seconds = processor, loglik = value, coef = unname(slopes), version = R.version.string), auto_unbox = TRUE, digits = NA), "\n")
