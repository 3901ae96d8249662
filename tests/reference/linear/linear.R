# Numbers of linear and Poisson models, written as case,program,quantity,term,value.
# Small-sample factors are written out here as reghdfe and fixest define them, on top of the
# uncorrected matrices of sandwich and plm.
suppressMessages({library(plm); library(sandwich); library(clubSandwich); library(survey)})
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
out <- list()
keep <- function(case, program, quantity, values) {
  terms <- sub("(Intercept)", "Intercept", names(values), fixed = TRUE)
  terms <- sub("I(exper^2)", "I(exper ** 2)", terms, fixed = TRUE)
  out[[length(out) + 1]] <<- data.frame(case = case, program = program, quantity = quantity,
    term = terms, value = formatC(as.numeric(values), digits = 17, format = "g"))
}
se <- function(V, terms) setNames(sqrt(diag(as.matrix(V)))[terms], terms)

# Grunfeld -------------------------------------------------------------------------------------
data(Grunfeld); data(Produc)
fe <- plm(inv ~ value + capital, Grunfeld, index = c("firm", "year"), model = "within")
re <- plm(inv ~ value + capital, Grunfeld, index = c("firm", "year"), model = "random")
keep("grunfeld_fe", "plm", "coef", coef(fe)); keep("grunfeld_fe", "plm", "se", se(vcov(fe), names(coef(fe))))
keep("grunfeld_re", "plm", "coef", coef(re)); keep("grunfeld_re", "plm", "se", se(vcov(re), names(coef(re))))
variances <- ercomp(re)$sigma2
keep("grunfeld_re", "plm", "statistic", c(sigma_e = sqrt(variances[["idios"]]), sigma_u = sqrt(variances[["id"]]),
  theta = as.numeric(ercomp(re)$theta)))
h <- phtest(fe, re)
keep("grunfeld_hausman", "plm", "statistic", c(statistic = unname(h$statistic), p = unname(h$p.value)))
dummies <- lm(inv ~ value + capital + factor(firm), Grunfeld)
twoway <- lm(inv ~ value + capital + factor(firm) + factor(year), Grunfeld)
two <- c("value", "capital")
N <- nrow(Grunfeld); G <- 10; T <- 20
# Each cluster left out in turn, the model fitted again.
jackknife <- function(formula, data, cluster, terms) {
  data$group_ <- cluster; groups <- unique(cluster); full <- coef(lm(formula, data))[terms]
  without <- sapply(groups, function(g) coef(lm(formula, data[data$group_ != g, ]))[terms])
  V <- (length(groups) - 1) / length(groups) * tcrossprod(without - full)
  setNames(sqrt(diag(V)), terms)
}
cr3 <- function(model, cluster) (length(unique(cluster)) - 1) / length(unique(cluster)) *
  as.matrix(vcovCR(model, cluster = cluster, type = "CR3"))
keep("grunfeld_fe", "lm", "se_crv3_firm", jackknife(formula(dummies), Grunfeld, Grunfeld$firm, two))
keep("grunfeld_fe", "lm", "se_crv3_year", jackknife(formula(dummies), Grunfeld, Grunfeld$year, two))
keep("grunfeld_twoway", "lm", "coef", coef(twoway)[two])
keep("grunfeld_twoway", "lm", "se_crv3_firm", jackknife(formula(twoway), Grunfeld, Grunfeld$firm, two))
keep("grunfeld_fe", "sandwich", "se_hc2", se(vcovHC(dummies, type = "HC2"), two))
keep("grunfeld_fe", "sandwich", "se_hc3", se(vcovHC(dummies, type = "HC3"), two))
keep("grunfeld_fe", "sandwich", "se_hetero", se(vcovHC(dummies, type = "HC1"), two))
pooled <- plm(inv ~ value + capital, Grunfeld, index = c("firm", "year"), model = "pooling")
terms <- names(coef(pooled))
dk <- function(model, lags, K) (T / (T - 1)) * ((N - 1) / (N - K)) * vcovSCC(model, maxlag = lags, type = "HC0")
keep("grunfeld_pooled", "plm", "se_dk_0", se(dk(pooled, 0, 3), terms))
keep("grunfeld_pooled", "plm", "se_dk_2", se(dk(pooled, 2, 3), terms))
keep("grunfeld_pooled", "plm", "se_dk_5", se(dk(pooled, 5, 3), terms))
keep("grunfeld_fe", "plm", "se_dk_2", se(dk(fe, 2, 12), two))

# Produc ---------------------------------------------------------------------------------------
formula <- log(gsp) ~ log(pcap) + log(pc) + log(emp) + unemp
fe <- plm(formula, Produc, index = c("state", "year"), model = "within")
keep("produc_fe", "plm", "coef", coef(fe)); keep("produc_fe", "plm", "se", se(vcov(fe), names(coef(fe))))
re <- plm(formula, Produc, index = c("state", "year"), model = "random")
keep("produc_re", "plm", "coef", coef(re)); keep("produc_re", "plm", "se", se(vcov(re), names(coef(re))))
N <- nrow(Produc); G <- 48
factor_cluster <- G / (G - 1) * (N - 1) / (N - 4 - 1)   # states nested in the clusters, one constant
keep("produc_fe", "plm", "se_crv1", se(factor_cluster * vcovHC(fe, method = "arellano", type = "HC0"), names(coef(fe))))

# wagepan --------------------------------------------------------------------------------------
wagepan <- read.csv(file.path(folder, "wagepan.csv"))
formula <- lwage ~ married + poorhlth + I(exper^2) + union
slopes <- c("married", "poorhlth", "I(exper^2)", "union")
fit <- function(data, case) {
  panel <- pdata.frame(data, index = c("nr", "year"))
  fe <- plm(formula, panel, model = "within"); re <- plm(formula, panel, model = "random")
  keep(paste0(case, "_fe"), "plm", "coef", coef(fe)); keep(paste0(case, "_fe"), "plm", "se", se(vcov(fe), slopes))
  N <- nrow(data); G <- length(unique(data$nr))
  V <- G / (G - 1) * (N - 1) / (N - 4 - 1) * vcovHC(fe, method = "arellano", type = "HC0")
  keep(paste0(case, "_fe"), "plm", "se_crv1", se(V, slopes))
  if (case == "wagepan") {
    keep("wagepan_re", "plm", "coef", coef(re)); keep("wagepan_re", "plm", "se", se(vcov(re), names(coef(re))))
    V <- G / (G - 1) * (N - 1) / (N - 5) * vcovHC(re, method = "arellano", type = "HC0")
    keep("wagepan_re", "plm", "se_crv1", se(V, names(coef(re))))
    h <- phtest(fe, re)
    keep("wagepan_hausman", "plm", "statistic", c(statistic = unname(h$statistic), p = unname(h$p.value)))
    means <- plm(update(formula, . ~ . + Between(married) + Between(poorhlth) + Between(I(exper^2)) + Between(union)),
      panel, model = "random")
    b <- coef(means); which <- grep("Between", names(b))
    V <- G / (G - 1) * (N - 1) / (N - 9) * vcovHC(means, method = "arellano", type = "HC0")
    wald <- drop(b[which] %*% solve(as.matrix(V)[which, which]) %*% b[which])
    keep("wagepan_mundlak", "plm", "statistic", c(wald_chi2 = wald))
    keep("wagepan_mundlak", "plm", "coef", setNames(b[which], paste0("mean(", slopes, ")")))
  } else {
    keep("wagepan_unbalanced_re_baltagi_chang", "plm", "coef", coef(re))
  }
  # Two-way effects: residuals on the dummies, so that sandwich sees four regressors only.
  dummy <- function(v) resid(lm(v ~ factor(data$nr) + factor(data$year)))
  within <- data.frame(y = dummy(data$lwage), married = dummy(data$married), poorhlth = dummy(data$poorhlth),
    exper2 = dummy(data$exper^2), union = dummy(data$union))
  names(within)[4] <- "I(exper^2)"
  model <- lm(y ~ . - 1, within)
  names(model$coefficients) <- slopes
  two <- paste0(case, "_twoway")
  keep(two, "lm", "coef", coef(model))
  levels_ <- length(unique(data$nr)) + length(unique(data$year)) - 1
  iid <- sum(resid(model)^2) / (N - 4 - levels_) * solve(crossprod(model.matrix(model)))
  keep(two, "lm", "se", setNames(sqrt(diag(iid)), slopes))
  raw <- function(cluster) {
    V <- vcovCL(model, cluster = cluster, type = "HC0", cadjust = FALSE, multi0 = FALSE, fix = TRUE)
    dimnames(V) <- list(slopes, slopes); V
  }
  Y <- length(unique(data$year)); O <- length(unique(data$occ))
  keep(two, "sandwich", "se_crv1_nr", se(G / (G - 1) * (N - 1) / (N - 4 - Y) * raw(data$nr), slopes))
  keep(two, "sandwich", "se_crv1_occ", se(O / (O - 1) * (N - 1) / (N - 4 - levels_) * raw(data$occ), slopes))
  keep(two, "sandwich", "se_crv1_nr_year", se(Y / (Y - 1) * (N - 1) / (N - 4 - 1) * raw(data[c("nr", "year")]), slopes))
  keep(two, "sandwich", "se_crv1_nr_year_occ",
    se(Y / (Y - 1) * (N - 1) / (N - 4 - 1) * raw(data[c("nr", "year", "occ")]), slopes))
}
fit(wagepan, "wagepan")
fit(wagepan[wagepan$kept == 1, ], "wagepan_unbalanced")

# Pooled, with weights and a survey design ------------------------------------------------------
N <- nrow(wagepan); G <- length(unique(wagepan$nr))
plain <- lm(formula, wagepan); weighted <- lm(formula, wagepan, weights = weight)
all <- names(coef(plain))
for (kind in c("HC1", "HC2", "HC3")) {
  keep("wagepan_pooled", "sandwich", paste0("se_", kind), se(vcovHC(plain, type = kind), all))
  keep("wagepan_weighted", "sandwich", paste0("se_", kind), se(vcovHC(weighted, type = kind), all))
}
keep("wagepan_weighted", "lm", "coef", coef(weighted)); keep("wagepan_weighted", "lm", "se", se(vcov(weighted), all))
keep("wagepan_weighted", "sandwich", "se_crv1",
  se(vcovCL(weighted, cluster = wagepan$nr, type = "HC1", cadjust = TRUE), all))
keep("wagepan_weighted", "lm", "statistic", c(r2 = summary(weighted)$r.squared, r2_adjusted = summary(weighted)$adj.r.squared))
keep("wagepan_pooled", "lm", "statistic", c(r2 = summary(plain)$r.squared, r2_adjusted = summary(plain)$adj.r.squared,
  rmse = summary(plain)$sigma, loglik = as.numeric(logLik(plain))))
R <- rbind(c(0, 1, 0, 0, -1), c(0, 0, 1, 0, 0)); b <- coef(plain)
keep("wagepan_pooled", "lm", "statistic",
  c(wald_F = drop(t(R %*% b) %*% solve(R %*% vcov(plain) %*% t(R)) %*% (R %*% b)) / 2))
expanded <- wagepan[rep(seq_len(N), wagepan$weight), ]
frequency <- lm(formula, expanded)
keep("wagepan_frequency", "lm", "coef", coef(frequency)); keep("wagepan_frequency", "lm", "se", se(vcov(frequency), all))
keep("wagepan_frequency", "sandwich", "se_HC1", se(vcovHC(frequency, type = "HC1"), all))
keep("wagepan_frequency", "sandwich", "se_crv1", se(vcovCL(frequency, cluster = expanded$nr, type = "HC1"), all))
design <- svydesign(ids = ~nr, strata = ~stratum, weights = ~weight, data = wagepan, nest = TRUE)
svy <- svyglm(formula, design)
keep("wagepan_survey", "survey", "coef", coef(svy)); keep("wagepan_survey", "survey", "se", se(vcov(svy), all))
keep("wagepan_survey", "survey", "statistic", c(df = degf(design)))
hours <- svyglm(hours ~ married + poorhlth + union, design, family = quasipoisson())
keep("wagepan_survey_poisson", "survey", "coef", coef(hours))
keep("wagepan_survey_poisson", "survey", "se", se(vcov(hours), names(coef(hours))))
small <- wagepan[wagepan$nr %in% unique(wagepan$nr)[1:60], ]
keep("wagepan_small", "clubSandwich", "se_crv3_nr", se(cr3(lm(formula, small), small$nr), all))

# Poisson --------------------------------------------------------------------------------------
patents <- read.csv(file.path(folder, "patents_rd.csv"))
total <- tapply(patents$patent, patents$fi, sum)
alive <- patents[total[as.character(patents$fi)] > 0, ]
N <- nrow(alive); G <- length(unique(alive$fi))
model <- glm(patent ~ rdexp + spil + factor(fi) + factor(year), poisson(), alive,
  control = list(epsilon = 1e-14, maxit = 100))
two <- c("rdexp", "spil")
keep("patents_fe", "glm", "coef", coef(model)[two])
keep("patents_fe", "glm", "se", se(vcov(model), two))
keep("patents_fe", "glm", "statistic", c(loglik = as.numeric(logLik(model)), deviance = deviance(model), nobs = N))
keep("patents_fe", "sandwich", "se_hetero", se(N / (N - 2 - G - 8) * vcovHC(model, type = "HC0"), two))
keep("patents_fe", "sandwich", "se_crv1",
  se(G / (G - 1) * (N - 1) / (N - 2 - 9) * vcovCL(model, cluster = alive$fi, type = "HC0", cadjust = FALSE), two))
model <- glm(patent ~ rdexp + spil + offset(log(year)), poisson(), patents, weights = sector,
  control = list(epsilon = 1e-14, maxit = 100))
all <- names(coef(model))
N <- nrow(patents)
keep("patents_offset", "glm", "coef", coef(model)); keep("patents_offset", "glm", "se", se(vcov(model), all))
keep("patents_offset", "sandwich", "se_hetero", se(N / (N - 3) * vcovHC(model, type = "HC0"), all))
jack <- t(sapply(unique(patents$geo), function(g) coef(glm(patent ~ rdexp + spil + offset(log(year)), poisson(),
  patents, weights = sector, subset = geo != g, control = list(epsilon = 1e-14, maxit = 100)))))
difference <- sweep(jack, 2, coef(model))
keep("patents_offset", "glm", "se_crv3_geo", se(3 / 4 * crossprod(difference), all))

write.csv(do.call(rbind, out), arguments[2], row.names = FALSE)
