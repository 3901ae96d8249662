# Random and correlated effects: adaptive quadrature, polished; lme4 and ordinal as second opinions.
source("common.R"); source("quadrature.R")
suppressPackageStartupMessages({library(lme4); library(ordinal)})
rhs <- c("x1", "x2", "d")
# Four files, so that they can run side by side: Rscript random.R binary | ordered | overdispersed | wagepan.
# A file is written after every case, and cases already in it are kept: delete it to start afresh.
part <- commandArgs(TRUE)[1]; stopifnot(part %in% c("binary", "ordered", "overdispersed", "wagepan")); file <- paste0("random_", part, ".json")
if (file.exists(file)) cases <- fromJSON(file)
responses <- switch(part, ordered = c("ordered_logit", "ordered_probit"), binary = c("logit", "probit", "cloglog", "poisson"), overdispersed = "negative_binomial", wagepan = c("ordered_logit", "logit"))
plan_of <- function(effects, data, points, weighted) expand.grid(response = responses, effects = effects, data = data, points = points, weighted = weighted, stringsAsFactors = FALSE)
plans <- if (part == "wagepan") plan_of("random", "wagepan", 12, FALSE) else rbind(plan_of("random", c("balanced", "unbalanced"), 12, FALSE), plan_of("random", "unbalanced", 12, TRUE),
  plan_of("correlated", c("balanced", "unbalanced"), 12, FALSE), plan_of("correlated", "unbalanced", 12, TRUE), if (part != "overdispersed") plan_of("random", "balanced", 25, FALSE))
for (row in seq_len(nrow(plans))) {
  plan <- plans[row, ]; id <- paste(c(plan$response, plan$effects, plan$data, if (plan$weighted) "weighted", plan$points), collapse = ":"); if (id %in% names(cases)) next
  started <- proc.time()[3]
  ordered <- startsWith(plan$response, "ordered"); link <- sub("ordered_", "", plan$response); kind <- if (ordered) "ordered" else if (plan$response %in% c("poisson", "negative_binomial")) plan$response else "binary"
  outcome <- switch(plan$response, cloglog = "event", poisson = "count", negative_binomial = "overdispersed", ordered_logit = , ordered_probit = "ordered", "binary")
  frame <- read_sample(plan$data); X <- rhs
  if (plan$data == "wagepan") { frame$unit <- frame$nr; frame$region <- frame$nr; X <- if (ordered) c("married", "poorhlth", "exper", "educ") else c("married", "poorhlth", "exper", "expersq"); outcome <- if (ordered) "quartile" else "union" }
  s <- complete(frame, c(outcome, X)); s$y <- s[[outcome]]; base <- X
  if (plan$effects == "correlated") { for (x in base) s[[paste0(x, "_mean")]] <- ave(s[[x]], s$unit); X <- c(X, paste0(base, "_mean")) }
  w <- if (plan$weighted) s$weight[!duplicated(s$unit)] else 1
  D <- as.matrix(s[X]); if (!ordered) D <- cbind(Intercept = 1, D)
  row_w <- if (plan$weighted) s$weight else 1
  pooled <- if (ordered) { m <- clm(as.formula(paste("factor(y, ordered=TRUE) ~", paste(X, collapse = "+"))), data = s, link = link); maximise(ordered_model(s$y, D, link), unname(c(m$beta, m$alpha)), row_w)
    } else if (kind == "negative_binomial") { g <- glm(s$y ~ D - 1, family = poisson); maximise(negative_binomial_model(s$y, D), c(unname(coef(g)), -0.5), row_w)
    } else if (kind == "poisson") { g <- glm(s$y ~ D - 1, family = poisson); maximise(poisson_model(s$y, D), unname(coef(g)), row_w)
    } else { g <- glm(s$y ~ D - 1, family = binomial(link)); maximise(binary_model(s$y, D, link), unname(coef(g)), row_w) }
  fit <- fit_random(random_model(s$y, D, s$unit, kind, link, plan$points), c(pooled$coef * 1.2, 0.8), w)
  names <- c(colnames(D), if (ordered) paste0("cut", seq_len(max(s$y) - 1)), if (kind == "negative_binomial") "log_alpha", "sd")
  second <- NULL   # the packaged program, on the plain random-effects models
  formula <- as.formula(paste(if (ordered) "factor(y, ordered=TRUE)" else "y", "~", paste(X, collapse = "+"), "+ (1 | unit)"))
  if (!plan$weighted && plan$points == 12 && plan$effects == "random" && plan$data == "balanced" && kind != "negative_binomial") {
    if (ordered) { s$unit_f <- factor(s$unit)
      m <- clmm(update(formula, . ~ . - (1 | unit) + (1 | unit_f)), data = s, link = link, nAGQ = 12, Hess = TRUE, control = clmm.control(gradTol = 1e-7))
      second <- list(program = "ordinal::clmm", coef = unname(c(m$beta, m$alpha, sqrt(unlist(m$ST)^2))), loglik = as.numeric(logLik(m)))
    } else { family <- if (kind == "poisson") poisson() else binomial(link)
      m <- suppressWarnings(glmer(formula, s, family, nAGQ = 12, control = glmerControl(optimizer = "bobyqa", optCtrl = list(maxfun = 1e5, rhoend = 1e-9))))
      second <- list(program = "lme4::glmer", coef = unname(c(fixef(m), getME(m, "theta"))), loglik = as.numeric(logLik(m)), se_slopes = unname(sqrt(diag(vcov(m, use.hessian = TRUE)))))
      own <- random_model(s$y, D, s$unit, kind, link, 12, expected = TRUE)
      second$loglik_own_with_expected_information_nodes_there <- sum(own$logl(second$coef)) }
    second$loglik_own_there <- sum(random_model(s$y, D, s$unit, kind, link, 12)$logl(second$coef))
    close_to(fit$coef, second$coef, 2e-3, "packaged random effects"); second$gap <- max(abs(fit$coef / second$coef - 1)) }
  units <- unique(s$unit); n <- nrow(s); k <- length(fit$coef)
  V <- grouped_covariances(fit$scores, fit$H, units, s, n)
  sd <- fit$coef[k]; noise <- switch(link, logit = pi^2 / 3, probit = 1, cloglog = pi^2 / 6, NA)
  lr <- 2 * (fit$loglik - pooled$loglik)
  mundlak <- if (plan$effects == "correlated") { j <- which(endsWith(names, "_mean")); f <- function(V) { W <- drop(fit$coef[j] %*% solve(V[j, j], fit$coef[j])); list(chi2 = W, df = length(j), p = pchisq(W, length(j), lower.tail = FALSE)) }
    list(classical = f(V$classical), "CRV1:unit" = f(V[["CRV1:unit"]])) }
  add_case(id, "own adaptive Gauss-Hermite (R), gradient below 1e-8; packaged program under second_opinion",
    paste(deparse1(formula), "link", link, "points", plan$points, if (plan$weighted) "each unit's log likelihood times weight"), plan$data, names, fit$coef, fit$loglik, n, V, groups = length(units), points = plan$points, gradient = fit$gradient,
    intraclass_correlation = if (!is.na(noise)) sd^2 / (sd^2 + noise), loglik_pooled = pooled$loglik, lr_pooled = list(chi2 = lr, p_mixture = pchisq(lr, 1, lower.tail = FALSE) / 2), mundlak_test = mundlak, second_opinion = second)
  write_cases(file)
  cat(id, format(fit$loglik), fit$gradient, "gap", if (is.null(second)) NA else second$gap, round(proc.time()[3] - started, 1), "s\n")
}
cat(version_of("R", "lme4", "ordinal", "statmod"), "\n")
write_cases(file)
