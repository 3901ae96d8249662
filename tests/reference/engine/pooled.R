# Pooled models: every response, plain and weighted, with each covariance convention.
source("common.R")
suppressPackageStartupMessages({library(MASS); library(ordinal); library(nnet); library(sandwich); library(survey)})
tight <- glm.control(epsilon = 1e-15, maxit = 100)
rhs <- c("x1", "x2", "d", "gb", "gc")

for (data in c("balanced", "unbalanced")) for (weighted in c(FALSE, TRUE)) {
  if (weighted && data == "balanced") next
  frame <- read_sample(data)
  suffix <- paste0(data, if (weighted) ":weighted")
  prepare <- function(response) {
    s <- complete(frame, c(response, rhs)); s$w <- if (weighted) s$weight else 1; s$y <- s[[response]]; s }
  ways <- function(s) list(unit = s["unit"], region = s["region"], "region+time" = s[c("region", "time")],
                           "region+industry+time" = s[c("region", "industry", "time")])
  weights_text <- if (weighted) ", weights=weight" else ""
  record <- function(id, response, program, call, s, names, model, start, loglik = TRUE, crv3 = TRUE, check = NULL, ...) {
    fit <- maximise(model(s), start, s$w)
    V <- covariances(fit$scores, fit$H, ways(s))
    if (crv3) V[["CRV3:region"]] <- jackknife(fit$coef, s$region, function(keep) {
      t <- s[keep, ]; maximise(model(t), fit$coef, t$w)$coef })
    if (!is.null(check)) check(fit, V)
    add_case(paste(id, "pooled", suffix, sep = ":"), program, paste0(call, weights_text), data, names, fit$coef,
             if (loglik) fit$loglik, nrow(s), V, clusters = sapply(ways(s), function(k) min(sapply(k, function(c) length(unique(c))))),
             gradient = fit$gradient, ...)
    fit
  }
  design <- function(s) cbind(1, as.matrix(s[rhs]))
  check_glm <- function(g, s) function(fit, V) {
    close_to(fit$coef[seq_along(coef(g))], coef(g), 1e-8, "coef")
    close_to(V$HC0, vcovHC(g, type = "HC0"), 1e-6, "HC0")
    close_to(V[["CRV0:unit"]], vcovCL(g, cluster = s$unit, type = "HC0", cadjust = FALSE), 1e-6, "CRV0")
    close_to(V[["CRV1_ml:region+time"]], vcovCL(g, cluster = s[c("region", "time")], type = "HC0", cadjust = TRUE, multi0 = FALSE), 1e-6, "two way")
    close_to(V[["CRV1_ml:region+industry+time"]], vcovCL(g, cluster = s[c("region", "industry", "time")], type = "HC0", cadjust = TRUE, multi0 = FALSE), 1e-6, "three way")
  }
  # binary
  for (link in c("logit", "probit", "cloglog")) {
    response <- if (link == "cloglog") "event" else "binary"; s <- prepare(response)
    g <- suppressWarnings(glm(y ~ x1 + x2 + d + gb + gc, binomial(link), s, weights = w, control = tight))
    # bread of glm uses expected information, which differs from the observed one unless the link is canonical
    check <- if (link == "logit") check_glm(g, s) else function(fit, V) close_to(fit$coef, coef(g), 1e-7, link)
    record(link, response, "glm + sandwich (R); likelihood maximised a second time by Newton", sprintf("glm(%s ~ x1+x2+d+g, binomial('%s'))", response, link),
      s, c("Intercept", rhs), function(t) binary_model(t$y, design(t), link), unname(coef(g)), check = check,
      se_expected_information = unname(sqrt(diag(vcov(g)))), null_loglik = { p <- weighted.mean(s$y, s$w); sum(s$w) * (p * log(p) + (1 - p) * log(1 - p)) })
  }
  # fractional
  s <- prepare("fraction"); g <- suppressWarnings(glm(y ~ x1 + x2 + d + gb + gc, quasibinomial, s, weights = w, control = tight))
  record("fractional_logit", "fraction", "glm quasibinomial + sandwich (R)", "glm(fraction ~ x1+x2+d+g, quasibinomial)", s, c("Intercept", rhs),
    function(t) binary_model(t$y, design(t), "logit"), unname(coef(g)), check = check_glm(g, s))
  # counts
  s <- prepare("count"); g <- glm(y ~ x1 + x2 + d + gb + gc, poisson, s, weights = w, control = tight)
  record("poisson", "count", "glm + sandwich (R)", "glm(count ~ x1+x2+d+g, poisson)", s, c("Intercept", rhs),
    function(t) poisson_model(t$y, design(t)), unname(coef(g)), check = check_glm(g, s))
  s <- prepare("overdispersed"); g <- glm.nb(y ~ x1 + x2 + d + gb + gc, s, weights = w, control = glm.control(epsilon = 1e-14, maxit = 200))
  record("negative_binomial", "overdispersed", "MASS::glm.nb (R), all parameters polished jointly by Newton", "glm.nb(overdispersed ~ x1+x2+d+g)", s,
    c("Intercept", rhs, "log_alpha"), function(t) negative_binomial_model(t$y, design(t)), c(unname(coef(g)), -log(g$theta)),
    check = function(fit, V) close_to(c(fit$coef[1:6], exp(-fit$coef[7])), c(coef(g), g$theta), 1e-5, "glm.nb"))
  # ordered
  for (link in c("logit", "probit")) {
    s <- prepare("ordered"); s$yf <- factor(s$y, ordered = TRUE)
    m <- clm(yf ~ x1 + x2 + d + gb + gc, data = s, weights = w, link = link, control = clm.control(gradTol = 1e-10, maxIter = 200L))
    p <- suppressWarnings(polr(yf ~ x1 + x2 + d + gb + gc, s, weights = w, method = if (link == "logit") "logistic" else "probit", control = list(reltol = 1e-15, maxit = 5000)))
    record(paste0("ordered_", link), "ordered", "ordinal::clm, checked against MASS::polr (R)", sprintf("clm(factor(ordered) ~ x1+x2+d+g, link='%s')", link), s,
      c(rhs, "cut1", "cut2", "cut3"), function(t) ordered_model(t$y, as.matrix(t[rhs]), link), unname(c(m$beta, m$alpha)),
      check = function(fit, V) { close_to(fit$coef, c(m$beta, m$alpha), 1e-8, "clm"); close_to(fit$coef, c(p$coefficients, p$zeta), 1e-4, "polr")
        order <- c(4:8, 1:3); close_to(V$classical, vcov(m)[order, order], 1e-6, "clm vcov") })
  }
  # multinomial
  s <- prepare("choice"); m <- multinom(factor(y) ~ x1 + x2 + d + gb + gc, s, weights = w, reltol = 1e-15, abstol = 1e-12, maxit = 2000, trace = FALSE, Hess = TRUE)
  record("multinomial_logit", "choice", "nnet::multinom (R), polished by Newton", "multinom(factor(choice) ~ x1+x2+d+g)", s,
    paste(rep(1:2, each = 6), c("Intercept", rhs), sep = ":"), function(t) multinomial_model(t$y, design(t)), c(t(coef(m))),
    check = function(fit, V) { close_to(fit$coef, c(t(coef(m))), 1e-4, "multinom"); close_to(sqrt(diag(V$classical)), sqrt(diag(solve(m$Hessian))), 1e-4, "multinom vcov") })
  # the survey design: strata, primary sampling units and weights, with replacement
  if (weighted) {
    full <- frame; full$y <- full$binary
    for (link in c("logit", "probit", "poisson", "fractional_logit", "ordered_logit", "ordered_probit")) {
      response <- switch(link, poisson = "count", fractional_logit = "fraction", ordered_logit = , ordered_probit = "ordered", "binary")
      s <- prepare(response); design_object <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = s, nest = TRUE)
      if (startsWith(link, "ordered")) {
        k <- if (link == "ordered_logit") "logit" else "probit"; model <- ordered_model(s$y, as.matrix(s[rhs]), k)
        s$yf <- factor(s$y, ordered = TRUE); start <- clm(yf ~ x1 + x2 + d + gb + gc, data = s, weights = w, link = k)
        fit <- maximise(model, unname(c(start$beta, start$alpha)), s$w); names <- c(rhs, "cut1", "cut2", "cut3")
        design_object <- update(design_object, yf = factor(y, ordered = TRUE))
        o <- svyolr(yf ~ x1 + x2 + d + gb + gc, design_object, method = if (k == "logit") "logistic" else "probit")
        package <- "survey::svyolr"; close_to(fit$coef, c(o$coefficients, o$zeta), 1e-3, "svyolr"); reference <- vcov(o); tol <- 2e-2
      } else {
        fam <- switch(link, logit = quasibinomial(), probit = quasibinomial("probit"), poisson = quasipoisson(), fractional_logit = quasibinomial())
        g <- svyglm(y ~ x1 + x2 + d + gb + gc, design_object, family = fam, control = glm.control(epsilon = 1e-15, maxit = 100))
        model <- if (link == "poisson") poisson_model(s$y, design(s)) else binary_model(s$y, design(s), if (link == "probit") "probit" else "logit")
        fit <- maximise(model, unname(coef(g)), s$w); names <- c("Intercept", rhs)
        package <- "survey::svyglm"; close_to(fit$coef, coef(g), 1e-8, link); reference <- vcov(g); tol <- if (link == "probit") 5e-2 else 1e-6
      }
      V <- list(survey = survey_covariance(fit$scores, fit$H, s$stratum, s$psu)); gap <- tryCatch(close_to(sqrt(diag(V$survey)), sqrt(diag(reference)), tol, link))
      add_case(paste(link, "pooled", "unbalanced:survey", sep = ":"), package, sprintf("svydesign(~psu, strata=~stratum, weights=~weight, nest=TRUE); %s(%s ~ x1+x2+d+g)", package, response),
        data, names, fit$coef, NULL, nrow(s), V, se_package = unname(sqrt(diag(reference))), design_df = length(unique(s$psu)) - length(unique(s$stratum)), gap_to_package = gap)
    }
  }
}

# wagepan: ordered logit of the wage quartile
frame <- read_sample("wagepan")
for (X in list(c("married", "poorhlth", "exper"), c("married", "poorhlth", "exper", "expersq", "educ"))) for (link in c("logit", "probit")) {
  m <- clm(as.formula(paste("factor(quartile, ordered = TRUE) ~", paste(X, collapse = "+"))), data = frame, link = link, control = clm.control(gradTol = 1e-10))
  fit <- maximise(ordered_model(frame$quartile, as.matrix(frame[X]), link), unname(c(m$beta, m$alpha)))
  close_to(fit$coef, c(m$beta, m$alpha), 1e-8, "wagepan clm")
  add_case(paste0("ordered_", link, ":pooled:wagepan", if (length(X) == 5) ":five"), "ordinal::clm (R)", sprintf("clm(factor(quartile) ~ %s, link='%s')", paste(X, collapse = "+"), link), "wagepan",
    c(X, "cut1", "cut2", "cut3"), fit$coef, fit$loglik, nrow(frame), covariances(fit$scores, fit$H, list(nr = frame["nr"])))
}
X <- c("married", "poorhlth", "exper", "expersq")
g <- glm(union ~ married + poorhlth + exper + expersq, binomial, frame, control = tight); fit <- maximise(binary_model(frame$union, cbind(1, as.matrix(frame[X])), "logit"), unname(coef(g)))
close_to(fit$coef, coef(g), 1e-8); add_case("logit:pooled:wagepan", "glm (R)", "glm(union ~ married+poorhlth+exper+expersq, binomial)", "wagepan", c("Intercept", X), fit$coef, fit$loglik,
  nrow(frame), covariances(fit$scores, fit$H, list(nr = frame["nr"])))
cat(version_of("R", "MASS", "ordinal", "nnet", "sandwich", "survey"), "\n")
write_cases("pooled.json")
