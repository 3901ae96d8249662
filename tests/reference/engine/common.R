# Shared by the reference scripts: data, likelihoods written out a second time (so that no
# value rests on one program), a Newton polish, the covariance conventions, and the writer.
suppressPackageStartupMessages({library(jsonlite); library(numDeriv)})
options(digits = 15, warn = 1)

read_sample <- function(name) {
  frame <- read.csv(file.path("data", paste0(name, ".csv")))
  if ("g" %in% names(frame)) {
    frame$g[frame$g == ""] <- NA
    frame$gb <- as.numeric(frame$g == "b"); frame$gc <- as.numeric(frame$g == "c")
  }
  frame
}
complete <- function(frame, names) frame[stats::complete.cases(frame[, names, drop = FALSE]), , drop = FALSE]

# ---- likelihoods: log likelihood per row and its derivative in the parameters --------------------
link_parts <- function(link) switch(link,
  logit   = list(F = plogis, f = dlogis, logF = function(x) plogis(x, log.p = TRUE),
                 logS = function(x) plogis(-x, log.p = TRUE), logf = function(x) dlogis(x, log = TRUE)),
  probit  = list(F = pnorm, f = dnorm, logF = function(x) pnorm(x, log.p = TRUE),
                 logS = function(x) pnorm(-x, log.p = TRUE), logf = function(x) dnorm(x, log = TRUE)),
  cloglog = list(F = function(x) -expm1(-exp(x)), f = function(x) exp(x - exp(x)), logF = function(x) log(-expm1(-exp(x))),
                 logS = function(x) -exp(x), logf = function(x) x - exp(x)))

binary_model <- function(y, X, link) {
  p <- link_parts(link)
  list(logl = function(b) { e <- drop(X %*% b); y * p$logF(e) + (1 - y) * p$logS(e) },
       score = function(b) { e <- drop(X %*% b)
         (y * exp(p$logf(e) - p$logF(e)) - (1 - y) * exp(p$logf(e) - p$logS(e))) * X })
}
poisson_model <- function(y, X, offset = 0) list(
  logl = function(b) { e <- drop(X %*% b) + offset; y * e - exp(e) - lgamma(y + 1) },
  score = function(b) (y - exp(drop(X %*% b) + offset)) * X)
# NB2: variance mu + alpha mu^2; last parameter log(alpha)
negative_binomial_model <- function(y, X) {
  k <- ncol(X)
  list(logl = function(b) dnbinom(y, size = exp(-b[k + 1]), mu = exp(drop(X %*% b[1:k])), log = TRUE),
       score = function(b) {
         mu <- exp(drop(X %*% b[1:k])); s <- exp(-b[k + 1])
         ds <- digamma(y + s) - digamma(s) + log(s) + 1 - log(s + mu) - (y + s) / (s + mu)
         cbind((y - mu) * s / (s + mu) * X, -s * ds) })
}
# censored below at zero; last parameter log(sigma)
tobit_model <- function(y, X) {
  k <- ncol(X); at <- function(b) { e <- drop(X %*% b[1:k]); s <- exp(b[k + 1]); list(s = s, r = (y - e) / s, a = -e / s) }
  list(logl = function(b) { q <- at(b); ifelse(y > 0, dnorm(q$r, log = TRUE) - log(q$s), pnorm(q$a, log.p = TRUE)) },
       score = function(b) { q <- at(b); m <- exp(dnorm(q$a, log = TRUE) - pnorm(q$a, log.p = TRUE))
         cbind(ifelse(y > 0, q$r, -m) / q$s * X, ifelse(y > 0, q$r^2 - 1, -q$a * m)) })
}
# parameters: slopes, then the cutpoints themselves; P(y <= j) = F(cut_j - x b)
ordered_model <- function(y, X, link) {
  p <- link_parts(link); k <- ncol(X); J <- max(y)
  bounds <- function(b) { cut <- c(-Inf, b[-(1:k)], Inf); e <- drop(X %*% b[1:k])
    list(up = cut[y + 1] - e, low = cut[y] - e) }
  list(logl = function(b) { q <- bounds(b); flip <- q$low > 0   # difference taken in the lower tail
         log(ifelse(flip, p$F(-q$low) - p$F(-q$up), p$F(q$up) - p$F(q$low))) },
       score = function(b) { q <- bounds(b); P <- exp(ordered_model(y, X, link)$logl(b))
         fu <- ifelse(is.finite(q$up), p$f(q$up), 0) / P; fl <- ifelse(is.finite(q$low), p$f(q$low), 0) / P
         cuts <- sapply(seq_len(J - 1), function(j) (y == j) * fu - (y == j + 1) * fl)
         cbind((fl - fu) * X, cuts) })
}
# choices 0..J-1, base 0; parameters equation by equation
multinomial_model <- function(y, X) {
  k <- ncol(X); J <- max(y)
  prob <- function(b) { e <- cbind(0, X %*% matrix(b, k, J)); e <- e - apply(e, 1, max); e - log(rowSums(exp(e))) }
  list(logl = function(b) prob(b)[cbind(seq_along(y), y + 1)],
       score = function(b) { P <- exp(prob(b))
         do.call(cbind, lapply(seq_len(J), function(j) ((y == j) - P[, j + 1]) * X)) })
}

# bivariate probit. X: one design matrix per outcome; last parameter atanh(rho). The sign of each outcome is
# turned into the normal's arguments: P(y) = Phi_2(q1 e1, q2 e2; q1 q2 rho)
bivariate_model <- function(Y, X) {
  k <- sapply(X, ncol); Q <- 2 * as.matrix(Y) - 1
  at <- function(b) { w1 <- Q[, 1] * drop(X[[1]] %*% b[1:k[1]]); w2 <- Q[, 2] * drop(X[[2]] %*% b[k[1] + 1:k[2]]); r <- Q[, 1] * Q[, 2] * tanh(b[sum(k) + 1])
    list(w1 = w1, w2 = w2, r = r, P = pbivnorm::pbivnorm(w1, w2, r)) }
  list(logl = function(b) log(at(b)$P), score = function(b) { a <- at(b); s <- sqrt(1 - a$r^2)
    g1 <- dnorm(a$w1) * pnorm((a$w2 - a$r * a$w1) / s); g2 <- dnorm(a$w2) * pnorm((a$w1 - a$r * a$w2) / s)
    d <- exp(-(a$w1^2 - 2 * a$r * a$w1 * a$w2 + a$w2^2) / (2 * s^2)) / (2 * pi * s)
    cbind(Q[, 1] * g1 / a$P * X[[1]], Q[, 2] * g2 / a$P * X[[2]], Q[, 1] * Q[, 2] * d / a$P * (1 - tanh(b[sum(k) + 1])^2)) })
}

# ---- Newton with a differenced analytic score (Richardson: about ten digits) ---------------------
maximise <- function(model, start, w = 1, tol = 1e-9) {
  if (is.null(model$score)) model$score <- function(b) jacobian(model$logl, b)
  gradient <- function(b) colSums(w * model$score(b))
  objective <- function(b) sum(w * model$logl(b))
  b <- start; value <- objective(b)
  for (iteration in 1:100) {
    H <- jacobian(gradient, b); H <- (H + t(H)) / 2
    g <- gradient(b); step <- solve(H, g); scale <- 1
    repeat {
      trial <- b - scale * step; new <- objective(trial)
      if (is.finite(new) && new >= value - 1e-7) break
      scale <- scale / 2; if (scale < 1e-6) break
    }
    b <- trial; value <- new
    if (max(abs(step) / (1 + abs(b))) < 1e-13 || (max(abs(gradient(b))) < tol && iteration > 2)) break
  }
  H <- jacobian(gradient, b); H <- (H + t(H)) / 2
  stopifnot(max(abs(gradient(b))) < 1e-6 * (1 + sum(w)) / 100)
  list(coef = b, loglik = value, scores = w * model$score(b), H = H, gradient = max(abs(gradient(b))))
}

# ---- covariance ---------------------------------------------------------------------------------
sums_by <- function(S, cluster) rowsum(S, cluster, reorder = FALSE)
# CRV0: no factor. CRV1_ml: each component times its own G/(G-1) (Stata's ml; sandwich cadjust).
# CRV1: CRV0 times min(G)/(min(G)-1) * (N-1)/(N-k) (fixest, pyfixest and reghdfe default).
# CRV1_own: each component times its own G/(G-1), all times (N-1)/(N-k).
# n: rows of the sample, where S has one row a unit. extra: label -> further parameters that effects cost.
covariances <- function(S, H, ways = list(), hc = TRUE, n = nrow(S), extra = function(label) 0) {
  B <- solve(-H); B <- (B + t(B)) / 2; k <- ncol(S) + extra("none")
  out <- list(classical = B)
  if (hc) {
    out$HC0 <- B %*% crossprod(S) %*% B
    out$HC1 <- out$HC0 * n / (n - k)
    out$HC_ml <- out$HC0 * n / (n - 1)
  }
  for (label in names(ways)) {
    keys <- as.data.frame(ways[[label]]); raw <- 0; own <- 0; G <- c()
    for (mask in seq_len(2^ncol(keys) - 1)) {
      use <- which(bitwAnd(mask, 2^(seq_len(ncol(keys)) - 1)) > 0)
      cl <- interaction(keys[, use, drop = FALSE], drop = TRUE); g <- nlevels(cl)
      sign <- if (length(use) %% 2 == 1) 1 else -1
      part <- sign * B %*% crossprod(sums_by(S, as.integer(cl))) %*% B
      raw <- raw + part; own <- own + part * g / (g - 1)
      if (length(use) == 1) G <- c(G, g)
    }
    ssc <- (n - 1) / (n - ncol(S) - extra(label))
    out[[paste0("CRV0:", label)]] <- raw
    out[[paste0("CRV1_ml:", label)]] <- own
    out[[paste0("CRV1:", label)]] <- raw * min(G) / (min(G) - 1) * ssc
    if (length(G) > 1) {
      out[[paste0("CRV1_own:", label)]] <- own * ssc
      e <- eigen(out[[paste0("CRV1:", label)]], symmetric = TRUE)   # negative eigenvalues set to zero
      if (min(e$values) < 0) out[[paste0("CRV1_psd:", label)]] <- e$vectors %*% (pmax(e$values, 0) * t(e$vectors))
    }
  }
  out
}
# with-replacement linearisation: within strata, totals of primary sampling units about their mean, times m/(m-1)
survey_covariance <- function(S, H, stratum, psu) {
  B <- solve(-H); meat <- 0
  for (h in unique(stratum)) { T <- sums_by(S[stratum == h, , drop = FALSE], psu[stratum == h]); m <- nrow(T)
    meat <- meat + crossprod(sweep(T, 2, colMeans(T))) * m / (m - 1) }
  B %*% meat %*% B
}
# a likelihood whose contributions are units (or parts of units): one row of scores a unit, ways that units are nested in
grouped_covariances <- function(S, H, unit, frame, n) {
  first <- frame[match(unique(unit), frame$unit), ]; S <- sums_by(S, unit)
  ways <- list(unit = first["unit"])
  if ("industry" %in% names(frame)) { first$cohort <- first$unit %% 7
    ways <- c(ways, list(region = first["region"], "region+industry" = first[c("region", "industry")], "region+industry+cohort" = first[c("region", "industry", "cohort")])) }
  V <- covariances(S, H, ways, n = n)
  if ("psu" %in% names(frame)) V$survey <- survey_covariance(S, H, first$stratum, first$psu)
  V
}
# slopes beside dummies: scores with what the dummies explain taken out, and the matching Hessian
partialled <- function(S, B, take) { B <- (B + t(B)) / 2; inside <- solve(B[take, take]); list(S = (S %*% B)[, take] %*% inside, H = -inside) }
# leave-one-cluster-out: (G-1)/G times the sum of squares about the full-sample estimate
jackknife <- function(full, cluster, refit) {
  levels <- unique(cluster); G <- length(levels)
  D <- t(sapply(levels, function(l) refit(cluster != l) - full))
  crossprod(D) * (G - 1) / G
}
standard_errors <- function(V) lapply(V, function(v) suppressWarnings(sqrt(diag(v))))

# ---- writing --------------------------------------------------------------------------------------
cases <- list()
version_of <- function(...) paste(sapply(c(...), function(p) if (p == "R") R.version.string else paste(p, packageVersion(p))), collapse = "; ")
add_case <- function(id, program, call, data, names, coef, loglik = NULL, nobs, V = list(), keep = c("classical", "HC0"), matrices = TRUE, ...) {
  stopifnot(!id %in% base::names(cases))
  coef <- unname(coef); stopifnot(length(names) == length(coef), all(is.finite(coef)))
  V <- lapply(V, unname)
  labels <- as.character(base::names(V)); kept <- V[labels %in% keep | grepl("^(CRV0|CRV3|survey)", labels)]
  cases[[id]] <<- c(list(program = program, call = call, data = data, nobs = nobs, names = names, coef = coef,
    loglik = loglik, se = if (length(V)) standard_errors(V) else NULL, vcov = if (matrices && length(kept)) kept else NULL), list(...))
}
write_cases <- function(file) {
  lines <- vapply(names(cases), function(id) paste0(toJSON(id, auto_unbox = TRUE), ": ",
    toJSON(Filter(Negate(is.null), cases[[id]]), auto_unbox = TRUE, digits = NA, na = "null", matrix = "rowmajor")), "")
  writeLines(c("{", paste0(lines, c(rep(",", length(lines) - 1), "")), "}"), file)
  cat(file, length(lines), "cases\n")
}
close_to <- function(a, b, tol = 1e-8, what = "") {
  gap <- max(abs(unname(a) - unname(b)) / pmax(1e-3, abs(unname(b))))
  if (!(gap < tol)) stop("programs disagree: ", what, " relative gap ", format(gap))
  invisible(gap)
}
