# Fixed effects: conditional logit, BUC ordered logit, conditional multinomial logit, Poisson.
source("common.R")
suppressPackageStartupMessages({library(survival); library(sandwich)})
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100, toler.inf = 1e-8)
# The information is differenced from the scores; a group's rows share its weight.
# conditional logit by plain enumeration of the subsets with as many ones as the group has
conditional_logit_model <- function(y, X, group) {
  X <- as.matrix(X); rows <- split(seq_along(y), group)
  s <- vapply(rows, function(r) sum(y[r]), 0); T <- lengths(rows)
  rows <- rows[s > 0 & s < T]
  sets <- lapply(rows, function(r) { A <- utils::combn(r, sum(y[r])); t(apply(A, 2, function(a) colSums(X[a, , drop = FALSE]))) })
  sets <- lapply(sets, function(Z) matrix(Z, ncol = ncol(X)))
  own <- t(vapply(rows, function(r) colSums(X[r[y[r] == 1], , drop = FALSE]), numeric(ncol(X)))); if (ncol(X) == 1) own <- t(own)
  Z <- do.call(rbind, sets); id <- rep(seq_along(sets), vapply(sets, nrow, 1L))
  list(groups = names(rows), nobs = sum(lengths(rows)),
    logl = function(b) { e <- drop(Z %*% b); m <- ave(e, id, FUN = max); drop(own %*% b) - (log(rowsum(exp(e - m), id)[, 1]) + m[!duplicated(id)]) },
    score = function(b) { e <- drop(Z %*% b); m <- ave(e, id, FUN = max); p <- exp(e - m); own - rowsum(p * Z, id) / rowsum(p, id)[, 1] })
}
permutations <- function(v) {   # distinct orderings of a multiset
  if (length(v) == 1) return(matrix(v)); do.call(rbind, lapply(sort(unique(v)), function(u) { i <- match(u, v); cbind(u, permutations(v[-i])) }))
}
# Chamberlain's conditional multinomial logit, base choice 0, parameters equation by equation
conditional_multinomial_model <- function(y, X, group, J) {
  X <- as.matrix(X); rows <- split(seq_along(y), group); rows <- rows[vapply(rows, function(r) length(unique(y[r])) > 1, TRUE)]
  features <- function(d, r) unlist(lapply(seq_len(J), function(j) colSums(X[r[d == j], , drop = FALSE])))
  sets <- lapply(rows, function(r) { P <- permutations(y[r]); t(apply(P, 1, features, r = r)) })
  own <- t(vapply(rows, function(r) features(y[r], r), numeric(J * ncol(X))))
  Z <- do.call(rbind, sets); id <- rep(seq_along(sets), vapply(sets, nrow, 1L))
  list(groups = names(rows), nobs = sum(lengths(rows)),
    logl = function(b) { e <- drop(Z %*% b); m <- ave(e, id, FUN = max); drop(own %*% b) - (log(rowsum(exp(e - m), id)[, 1]) + m[!duplicated(id)]) },
    score = function(b) { e <- drop(Z %*% b); m <- ave(e, id, FUN = max); p <- exp(e - m); own - rowsum(p * Z, id) / rowsum(p, id)[, 1] })
}
# one row per (unit, cut): the stacked sample of Baetschmann, Staub and Winkelmann
stack_cuts <- function(s, X, J) do.call(rbind, lapply(2:J, function(c)
  data.frame(stratum = paste(s$unit, c), unit = s$unit, region = s$region, w = s$w, yy = as.numeric(s$y >= c), s[X])))

fixed_case <- function(id, program, call, data, names, model, units, frame, weights = NULL, start = NULL, check = NULL, crv3 = NULL, rows = model$nobs, ...) {
  w <- if (is.null(weights)) 1 else weights
  fit <- maximise(model, if (is.null(start)) rep(0, length(names)) else start, w)
  if (!is.null(check)) check(fit)
  V <- grouped_covariances(fit$scores, fit$H, units, frame, rows)
  if (!is.null(crv3)) V[["CRV3:region"]] <- crv3(fit$coef)
  add_case(id, program, call, data, names, fit$coef, fit$loglik, model$nobs, V, groups = length(model$groups), clusters = list(unit = length(unique(units))), gradient = fit$gradient, ...)
  fit
}
pick <- function(model, s, column) { v <- s[[column]][match(model$groups, as.character(s$unit))]; v }

rhs <- c("x1", "x2", "d")
for (data in c("balanced", "unbalanced", "wagepan")) for (weighted in c(FALSE, TRUE)) {
  if (weighted && data != "unbalanced") next
  frame <- read_sample(data); tag <- paste0(data, if (weighted) ":weighted")
  if (data == "wagepan") { frame$unit <- frame$nr; frame$region <- frame$nr; frame$binary <- frame$union; frame$ordered <- frame$quartile }
  frame$w <- if (weighted) frame$weight else 1
  weights_text <- if (weighted) " each group's log likelihood times weight" else ""
  # conditional logit
  X <- if (data == "wagepan") c("married", "poorhlth", "exper", "expersq") else rhs
  s <- complete(frame, c("binary", X)); s$y <- s$binary
  m <- conditional_logit_model(s$y, s[X], s$unit)
  g <- clogit(as.formula(paste("y ~", paste(X, collapse = "+"), "+ strata(unit)")), s, method = "exact", control = tight)
  mixed <- ave(s$y, s$unit, FUN = function(v) length(unique(v))) > 1
  fixed_case(paste0("logit:fixed:", tag), if (weighted) "own enumeration of subsets (R)" else "survival::clogit, checked by enumeration of subsets (R)",
    paste0("clogit(", if (data == "wagepan") "union" else "binary", " ~ ", paste(X, collapse = "+"), " + strata(unit), method='exact')", weights_text), data, X, m, pick(m, s, "unit"), s,
    if (weighted) pick(m, s, "w"), coef(g), function(fit) if (!weighted) { close_to(fit$coef, coef(g), 1e-8, "clogit"); close_to(fit$loglik, g$loglik[2], 1e-10); close_to(sqrt(diag(solve(-fit$H))), sqrt(diag(vcov(g))), 1e-8, "clogit se") },
    crv3 = if (data == "wagepan") NULL else function(full) jackknife(full, s$region[mixed], function(keep) { t <- s[mixed, ][keep, ]; mm <- conditional_logit_model(t$y, t[X], t$unit)
      maximise(mm, full, if (weighted) pick(mm, t, "w") else 1)$coef }),
    loglik_null = g$loglik[1], nobs_sample = nrow(s), dropped_groups = length(unique(s$unit)) - length(m$groups), dropped_rows = nrow(s) - m$nobs)
  # BUC ordered logit: composite likelihood; classical errors are not valid, clustered by unit are
  X <- if (data == "wagepan") c("married", "poorhlth", "exper") else rhs
  s <- complete(frame, c("ordered", X)); s$y <- s$ordered; stacked <- stack_cuts(s, X, 4)
  m <- conditional_logit_model(stacked$yy, stacked[X], stacked$stratum); first <- match(m$groups, stacked$stratum)
  g <- clogit(as.formula(paste("yy ~", paste(X, collapse = "+"), "+ strata(stratum)")), stacked, method = "exact", control = tight)
  used <- stacked$stratum %in% m$groups; rows_used <- length(unique(paste(stacked$unit, rep(seq_len(nrow(s)), 3))[used]))
  fixed_case(paste0("ordered_logit:fixed:", tag), if (weighted) "own enumeration on stacked cuts (R)" else "survival::clogit on the stacked sample, checked by enumeration (R)",
    paste0("clogit(I(", if (data == "wagepan") "quartile" else "ordered", " >= cut) ~ ", paste(X, collapse = "+"), " + strata(unit, cut)), cuts 2..4 stacked", weights_text), data, X, m, stacked$unit[first], s,
    if (weighted) stacked$w[first], coef(g), function(fit) if (!weighted) close_to(fit$coef, coef(g), 1e-8, "BUC"),
    crv3 = if (data == "wagepan") NULL else function(full) jackknife(full, stacked$region[used], function(keep) { t <- stacked[used, ][keep, ]
      mm <- conditional_logit_model(t$yy, t[X], t$stratum); maximise(mm, full, if (weighted) t$w[match(mm$groups, t$stratum)] else 1)$coef }),
    rows = rows_used, nobs_sample = nrow(s), units_used = length(unique(stacked$unit[used])), rows_used = rows_used, note = "nobs counts stacked rows; HC1 and CRV1 use rows_used, the rows of the sample behind them")
  # conditional multinomial logit
  if (data == "wagepan") next
  s <- complete(frame, c("choice", rhs)); s$y <- s$choice
  m <- conditional_multinomial_model(s$y, s[rhs], s$unit, 2)
  fixed_case(paste0("multinomial_logit:fixed:", tag), "own enumeration of the distinct orderings (R)", paste0("choice ~ x1+x2+d given each unit's counts of choices; base 0", weights_text), data,
    paste(rep(1:2, each = 3), rhs, sep = ":"), m, pick(m, s, "unit"), s, if (weighted) pick(m, s, "w"),
    crv3 = function(full) jackknife(full, pick(m, s, "region"), function(keep) maximise(m, full, keep * (if (weighted) pick(m, s, "w") else 1))$coef), nobs_sample = nrow(s), dropped_groups = length(unique(s$unit)) - length(m$groups))
  # Poisson with unit effects: the concentrated likelihood; its scores sum to the multinomial's
  for (effects in c("unit", "unit+time")) {
    s <- complete(frame, c("count", rhs)); s$y <- s$count; s <- s[ave(s$y, s$unit, FUN = sum) > 0 & ave(s$y, s$unit, FUN = length) > 1, ]
    f <- as.formula(paste("y ~ x1 + x2 + d + factor(unit)", if (effects == "unit+time") "+ factor(time)"))
    g <- suppressWarnings(glm(f, poisson, s, weights = w, control = glm.control(epsilon = 1e-15, maxit = 100)))
    take <- 2:4; inside <- partialled(estfun(g), vcov(g), take)
    # fixest: effects nested in a clustering are not counted, but all of them together cost one
    levels <- length(unique(s$time)); cost <- function(label) if (label == "none") length(unique(s$unit)) + (if (effects == "unit") 0 else levels - 1) else if (effects == "unit" || grepl("time", label)) 1 else levels
    V <- covariances(inside$S, inside$H, list(unit = s["unit"], region = s["region"], "region+time" = s[c("region", "time")], "region+industry+time" = s[c("region", "industry", "time")]), extra = cost)
    close_to(V$HC0, (crossprod(estfun(g) %*% vcov(g)))[take, take], 1e-6, "HC0")
    if (data == "unbalanced") { V$survey <- survey_covariance(inside$S, inside$H, s$stratum, s$psu)
      if (effects == "unit") V[["CRV3:region"]] <- jackknife(coef(g)[take], s$region, function(keep) coef(suppressWarnings(glm(f, poisson, s[keep, ], weights = w, control = glm.control(epsilon = 1e-12, maxit = 100))))[take]) }
    unit_total <- tapply(s$y, s$unit, sum); conditional <- sum(s$w * dpois(s$y, fitted(g), log = TRUE)) - sum(tapply(s$w, s$unit, head, 1) * dpois(unit_total, unit_total, log = TRUE))
    add_case(paste("poisson", paste0("fixed(", effects, ")"), tag, sep = ":"), "glm with dummies + sandwich (R)", deparse1(f), data, rhs, coef(g)[take], sum(s$w * dpois(s$y, fitted(g), log = TRUE)), nrow(s), V,
      groups = length(unique(s$unit)), loglik_conditional = if (effects == "unit") conditional, note = "units with all zeros and singletons left out; loglik is the unconditional one")
  }
}
# wagepan: the fixed-effects logit by dummies, which is biased
frame <- read_sample("wagepan"); s <- frame[ave(frame$union, frame$nr, FUN = function(v) length(unique(v))) > 1, ]
g <- glm(union ~ married + poorhlth + exper + expersq + factor(nr), binomial, s, control = glm.control(epsilon = 1e-14, maxit = 100))
add_case("logit:dummies:wagepan", "glm with dummies (R)", "glm(union ~ married+poorhlth+exper+expersq+factor(nr), binomial)", "wagepan", c("married", "poorhlth", "exper", "expersq"), coef(g)[2:5], as.numeric(logLik(g)), nrow(s), list(classical = vcov(g)[2:5, 2:5]))
cat(version_of("R", "survival", "sandwich"), "\n")
write_cases("fixed.json")
