# IV probit by full ML (Newey 1987 likelihood) and Rivers-Vuong two-step; CF ordered probit, CF Poisson; IV Poisson GMM
suppressMessages({library(maxLik); library(sandwich); library(MASS); library(gmm); library(AER)})
m <- read.csv("mroz.csv")
X <- cbind(1, m$educ, m$exper, m$expersq, m$age, m$kidslt6, m$kidsge6)        # exogenous
colnames(X) <- c("const","educ","exper","expersq","age","kidslt6","kidsge6")
Z <- cbind(X, huseduc=m$huseduc, huswage=m$huswage); w <- m$nwifeinc; y <- m$inlf
# two-step (Rivers & Vuong 1988): probit with first-stage residual
fs <- lm.fit(Z, w); v <- fs$residuals
cf <- glm(y ~ X + w + v - 1, family=binomial("probit"), control=list(epsilon=1e-14)); cat("## Rivers-Vuong probit with residual (coefficients of the augmented probit; iid se ignore step one)\n"); print(round(coef(summary(cf)),8)); cat("logLik", sprintf("%.8f", logLik(cf)), "\n")
ll <- function(p) { k <- ncol(X); b <- p[1:k]; a <- p[k+1]; d <- p[(k+2):(k+1+ncol(Z))]; s <- exp(p[k+2+ncol(Z)]); r <- tanh(p[k+3+ncol(Z)])
  u <- w - Z%*%d; q <- (X%*%b + a*w + r*u/s)/sqrt(1-r^2); as.vector(dnorm(u, sd=s, log=TRUE) + pnorm((2*y-1)*q, log.p=TRUE)) }
th <- coef(cf)[ncol(X)+2]*sd(v); r0 <- th/sqrt(1+th^2)
st <- c(coef(cf)[1:(ncol(X)+1)]*sqrt(1-r0^2), coef(fs), log(sd(v)), atanh(r0))
# work in scaled units (numerical Hessians of unscaled age^2, income are worthless), then scale back
sx <- apply(abs(X),2,max); sz <- apply(abs(Z),2,max); sw <- max(abs(w)); X0 <- X; Z0 <- Z; w0 <- w
X <- sweep(X,2,sx,"/"); Z <- sweep(Z,2,sz,"/"); w <- w/sw
k <- ncol(X); kz <- ncol(Z); T <- c(1/sx, 1/sw, sw/sz, 1, 1)      # original = T * scaled ; lnsigma shifts by log(sw)
st2 <- c(st[1:(k+1)], st[(k+2):(k+1+kz)], st[k+2+kz]-log(sw), st[k+3+kz]); st2 <- st2/T
ml <- maxLik(ll, start=st2, method="BFGS", iterlim=5000, reltol=1e-15)
p <- coef(ml); for (i in 1:8) { g <- numDeriv::grad(function(p) sum(ll(p)), p); H <- numDeriv::hessian(function(p) sum(ll(p)), p); p <- p - solve(H, g) }
g <- numDeriv::grad(function(p) sum(ll(p)), p); H <- numDeriv::hessian(function(p) sum(ll(p)), p); V <- solve(-H); sc <- numDeriv::jacobian(ll, p); Vr <- V%*%crossprod(sc)%*%V
est <- p*T; est[k+2+kz] <- p[k+2+kz]+log(sw); logl <- sum(ll(p)) - length(y)*log(sw)
cat("## IV probit ML  logLik", sprintf("%.8f", logl), "grad", max(abs(g)), "\n")
nm <- c(colnames(X),"nwifeinc", paste0("fs_",c(colnames(X),"huseduc","huswage")),"lnsigma","atanhrho")
print(data.frame(name=nm, est=round(est,8), se=round(sqrt(diag(V))*T,8), se_robust_noadj=round(sqrt(diag(Vr))*T,8)), row.names=FALSE)
r <- tanh(p[k+3+kz]); cat("sigma", exp(est[k+2+kz]), "rho", r, "Wald exogeneity chi2", (p[k+3+kz]/sqrt(V[k+3+kz,k+3+kz]))^2, "\n")
# ordered and count: fertil2, children on educ instrumented with frsthalf
f <- read.csv("fertil2.csv"); f <- f[complete.cases(f[,c("children","educ","age","agesq","electric","urban","frsthalf")]),]; cat("fertil2 N", nrow(f), "\n")
f$v <- lm(educ ~ age + agesq + electric + urban + frsthalf, f)$residuals
po <- glm(children ~ educ + age + agesq + electric + urban + v, poisson, f, control=list(epsilon=1e-14)); cat("## Poisson control function\n"); print(round(cbind(coef(po), HC0=sqrt(diag(vcovHC(po,"HC0")))),8))
# joint sandwich for the two-step Poisson (Murphy-Topel / stacked moments, HC0)
Zf <- cbind(1,f$age,f$agesq,f$electric,f$urban,f$frsthalf); Xf <- cbind(1,f$educ,f$age,f$agesq,f$electric,f$urban,f$v)
mu <- fitted(po); e <- f$children - mu; v <- f$v; A22 <- crossprod(Xf*mu, Xf); A11 <- crossprod(Zf); cv <- coef(po)["v"]
# d s2 / d delta: s2 = x(v)*(y-mu); dv/ddelta = -z
A21 <- -crossprod(Xf*mu*(-cv), Zf); A21[7,] <- A21[7,] - colSums(-(-Zf)*e) ; # derivative of the moment wrt delta
# moment m2 = Xf e ; dm2/ddelta = (dXf/ddelta) e - Xf mu cv dv/ddelta ; dv/ddelta=-Zf
D21 <- crossprod(Xf*mu*cv, Zf); D21[7,] <- D21[7,] - colSums(Zf*e)
S <- cbind(Zf*v, Xf*e); D <- rbind(cbind(-A11, matrix(0,6,7)), cbind(D21, -A22)); VV <- solve(D) %*% crossprod(S) %*% t(solve(D))
cat("stacked se\n"); print(round(sqrt(diag(VV))[7:13],8))
# IV Poisson GMM, additive and multiplicative errors (just identified and over-identified)
f$radio[is.na(f$radio)] <- 0; f$z2 <- f$frsthalf*f$urban
X2 <- cbind(1,f$educ,f$age,f$agesq,f$electric,f$urban); Z2 <- cbind(1,f$frsthalf,f$age,f$agesq,f$electric,f$urban); Z3 <- cbind(Z2, f$z2)
nr <- function(mom, jac, b, Z, W=NULL, it=200) { for (i in 1:it) { g <- crossprod(Z, mom(b)); G <- jac(b, Z); if (is.null(W)) st <- solve(G, g) else st <- solve(t(G)%*%W%*%G, t(G)%*%W%*%g); b <- b - as.vector(st); if (max(abs(st))<1e-12) break }; b }
y2 <- f$children; b0 <- coef(glm(children ~ educ+age+agesq+electric+urban, poisson, f))
add <- function(b) y2 - exp(X2%*%b); jadd <- function(b,Z) -crossprod(Z, X2*as.vector(exp(X2%*%b)))
mul <- function(b) y2*exp(-X2%*%b) - 1; jmul <- function(b,Z) -crossprod(Z, X2*as.vector(y2*exp(-X2%*%b)))
for (nm in c("additive")) { mom <- if(nm=="additive") add else mul; jac <- if(nm=="additive") jadd else jmul
  b <- nr(mom,jac,b0,Z2); u <- as.vector(mom(b)); G <- jac(b,Z2); V <- solve(G)%*%crossprod(Z2*u)%*%t(solve(G)); cat("## IV Poisson GMM", nm, "just identified\n"); print(round(cbind(b,sqrt(diag(V))),8))
  W1 <- solve(crossprod(Z3)); b1 <- nr(mom,jac,b,Z3,W1); u <- as.vector(mom(b1)); W2 <- solve(crossprod(Z3*u)); b2 <- nr(mom,jac,b1,Z3,W2); G <- jac(b2,Z3); V <- solve(t(G)%*%W2%*%G); g <- crossprod(Z3,mom(b2)); cat("over-identified two-step", sprintf("%.8f",b2), "\nse", sprintf("%.8f",sqrt(diag(V))), "\nJ", sprintf("%.8f", t(g)%*%W2%*%g), "one-step", sprintf("%.8f", b1), "\n") }
