# Pooled models with unit means, models with absorbed effects, and designs that pooled.R leaves out.
source("common.R")
suppressPackageStartupMessages({library(MASS); library(ordinal); library(nnet); library(sandwich); library(survey)})
tight <- glm.control(epsilon = 1e-15, maxit = 100)
rhs <- c("x1", "x2", "d")
outcomes <- c(logit = "binary", probit = "binary", cloglog = "event", fractional_logit = "fraction", poisson = "count", negative_binomial = "overdispersed",
  ordered_logit = "ordered", ordered_probit = "ordered", multinomial_logit = "choice", joint_probit = "first")
ways <- function(s) list(unit = s["unit"], region = s["region"], "region+time" = s[c("region", "time")], "region+industry+time" = s[c("region", "industry", "time")])
probit_fit <- function(y, X, w) suppressWarnings(unname(coef(glm(y ~ X - 1, family = binomial("probit"), weights = w))))

# what is estimated: likelihood, names and a packaged program's estimates (NULL: there is none), or start values for Newton
setting <- function(response, s, X) {
  D <- cbind(1, as.matrix(s[X])); link <- sub("ordered_|fractional_", "", response); f <- as.formula(paste("y ~", paste(X, collapse = "+"))); terms <- c("Intercept", X)
  glm_of <- function(family) suppressWarnings(unname(coef(glm(f, family, s, weights = w, control = tight))))
  switch(response,
    logit = , probit = , cloglog = , fractional_logit = list(model = function(t) binary_model(t$y, cbind(1, as.matrix(t[X])), link), names = terms, program = "glm (R)", packaged = glm_of(quasibinomial(link))),
    poisson = list(model = function(t) poisson_model(t$y, cbind(1, as.matrix(t[X]))), names = terms, program = "glm (R)", packaged = glm_of(poisson())),
    negative_binomial = { g <- glm.nb(f, s, weights = w, control = glm.control(epsilon = 1e-14, maxit = 200))
      list(model = function(t) negative_binomial_model(t$y, cbind(1, as.matrix(t[X]))), names = c(terms, "log_alpha"), program = "MASS::glm.nb (R), polished by Newton", packaged = c(unname(coef(g)), -log(g$theta)), tol = 1e-5) },
    ordered_logit = , ordered_probit = { s$y <- factor(s$y, ordered = TRUE); m <- clm(f, data = s, weights = w, link = link, control = clm.control(gradTol = 1e-10, maxIter = 200L))
      list(model = function(t) ordered_model(t$y, as.matrix(t[X]), link), names = c(X, "cut1", "cut2", "cut3"), program = "ordinal::clm (R)", packaged = unname(c(m$beta, m$alpha))) },
    multinomial_logit = { m <- multinom(f, s, weights = w, reltol = 1e-15, abstol = 1e-12, maxit = 2000, trace = FALSE)
      list(model = function(t) multinomial_model(t$y, cbind(1, as.matrix(t[X]))), names = paste(rep(1:2, each = length(terms)), terms, sep = ":"), program = "nnet::multinom (R), polished by Newton", packaged = c(t(coef(m))), tol = 1e-4) },
    joint_probit = list(model = function(t) { D <- cbind(1, as.matrix(t[X])); bivariate_model(t[c("first", "second")], list(D, D)) }, names = c(paste(rep(c("first", "second"), each = length(terms)), terms, sep = ":"), "rho12"),
      program = "pbivnorm + Newton (R)", start = c(probit_fit(s$first, D, s$w), probit_fit(s$second, D, s$w), 0.3)))
}
record <- function(id, response, s, X, data, weighted, crv3, survey) {
  what <- setting(response, s, X); fit <- maximise(what$model(s), if (is.null(what$packaged)) what$start else what$packaged, s$w)
  if (!is.null(what$packaged)) close_to(fit$coef, what$packaged, if (is.null(what$tol)) 1e-6 else what$tol, id)   # glm stops on its deviance
  # the correlation itself is the parameter reported, not atanh(rho)
  K <- length(fit$coef); joint <- response == "joint_probit"; natural <- function(b) { if (joint) b[K] <- tanh(b[K]); b }
  J <- rep(1, K); if (joint) J[K] <- 1 - tanh(fit$coef[K])^2; S <- sweep(fit$scores, 2, J, "/"); H <- fit$H / outer(J, J)
  V <- covariances(S, H, ways(s))
  if (survey) V$survey <- survey_covariance(S, H, s$stratum, s$psu)
  if (crv3) V[["CRV3:region"]] <- jackknife(natural(fit$coef), s$region, function(keep) { t <- s[keep, ]; natural(maximise(what$model(t), fit$coef, t$w)$coef) })
  add_case(id, what$program, paste(outcomes[[response]], "~", paste(X, collapse = "+"), if (weighted) ", weights=weight"), data, what$names, natural(fit$coef), if (response != "fractional_logit") fit$loglik, nrow(s), V, matrices = FALSE, gradient = fit$gradient)
  fit
}
for (data in c("balanced", "unbalanced")) for (weighted in c(FALSE, TRUE)) {
  if (weighted && data == "balanced") next
  frame <- read_sample(data); tag <- paste0(data, if (weighted) ":weighted")
  for (response in names(outcomes)) {
    s <- complete(frame, c(outcomes[[response]], if (response == "joint_probit") "second", rhs)); s$y <- s[[outcomes[[response]]]]; s$w <- if (weighted) s$weight else 1
    # Mundlak's unit means over the estimation sample, unweighted
    for (x in rhs) s[[paste0(x, "_mean")]] <- ave(s[[x]], s$unit)
    X <- c(rhs, paste0(rhs, "_mean"));
    record(paste(response, "correlated_pooled", tag, sep = ":"), response, s, X, data, weighted, crv3 = data == "unbalanced", survey = weighted)
    # pooled with the survey design where pooled.R has none, and three ways for the joint probit
    if (response %in% c("cloglog", "negative_binomial", "multinomial_logit", "joint_probit") && (weighted || response == "joint_probit")) {
      fit <- record(paste(response, "pooled", tag, "design", sep = ":"), response, s, rhs, data, weighted, crv3 = response == "joint_probit" && data == "unbalanced", survey = weighted)
      if (response == "cloglog") { design <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = s, nest = TRUE)
        g <- svyglm(y ~ x1 + x2 + d, design, family = quasibinomial("cloglog"), control = tight)   # expected information, so the errors differ a little
        close_to(sqrt(diag(survey_covariance(fit$scores, fit$H, s$stratum, s$psu))), sqrt(diag(vcov(g))), 5e-2, "svyglm cloglog") }
    }
  }
  # absorbed effects: every dummy estimated, slopes reported. fixest: effects nested in a clustering are not counted
  # (time in those by time, industry in those by industry), but all together cost one at least.
  for (response in c("logit", "probit", "cloglog", "poisson", "ols")) {
    outcome <- if (response == "ols") "continuous" else outcomes[[response]]
    s <- complete(frame, c(outcome, rhs)); s$y <- s[[outcome]]; s$w <- if (weighted) s$weight else 1
    D <- model.matrix(~ x1 + x2 + d + factor(industry) + factor(time), s); take <- 2:4; dummies <- ncol(D) - 3; periods <- length(unique(s$time))
    cost <- function(label) if (label == "none" || !grepl("time", label)) dummies else if (grepl("industry", label)) 1 else dummies - periods + 1
    model <- function(keep) if (response == "poisson") poisson_model(s$y[keep], D[keep, ]) else binary_model(s$y[keep], D[keep, ], response)
    if (response == "ols") { g <- lm(s$y ~ D - 1, weights = s$w); B <- vcov(g) / summary(g)$sigma^2; full <- list(coef = unname(coef(g)), loglik = if (!weighted) as.numeric(logLik(g)), scores = D * (s$w * residuals(g)))
      program <- "lm with dummies + sandwich (R)"; refit <- function(keep) lm.wfit(D[keep, ], s$y[keep], s$w[keep])$coefficients[take]
    } else { family <- if (response == "poisson") poisson() else quasibinomial(response); g <- suppressWarnings(glm(s$y ~ D - 1, family = family, weights = s$w, control = tight))
      full <- maximise(model(TRUE), unname(coef(g)), s$w); close_to(full$coef, coef(g), 1e-6, response); B <- solve(-full$H)
      program <- "glm with dummies (R)"; refit <- function(keep) maximise(model(keep), full$coef, s$w[keep])$coef[take] }
    inside <- partialled(full$scores, B, take); V <- covariances(inside$S, inside$H, ways(s), extra = cost)
    if (response == "ols") { V$classical <- unname(vcov(g)[take, take]); close_to(V$HC0, vcovHC(g, type = "HC0")[take, take], 1e-9, "HC0") }
    if (weighted) V$survey <- survey_covariance(inside$S, inside$H, s$stratum, s$psu)
    if (data == "unbalanced") V[["CRV3:region"]] <- jackknife(full$coef[take], s$region, function(keep) refit(keep))
    add_case(paste(response, "absorbed", tag, sep = ":"), program, paste(outcome, "~ x1+x2+d+factor(industry)+factor(time)", if (weighted) ", weights=weight"), data, rhs, full$coef[take], full$loglik, nrow(s), V, matrices = FALSE, parameters_with_dummies = ncol(D))
  }
}
cat(version_of("R", "MASS", "ordinal", "nnet", "sandwich", "survey", "pbivnorm"), "\n")
write_cases("cells.json")
