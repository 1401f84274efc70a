"""What is known of scipy, scikit-learn and deap, as a part of `pure`, which says what each column means.

Looked at: scipy 1.2 and 1.11, scikit-learn 0.20 and 1.4, deap 1.3 and 1.4; `pure.VERSIONS` says where this is taken to hold. Left out are functions that print from
C (``fmin_tnc``), ask the time, read files that somebody names, keep something for the next call, or start from a shared generator without
taking a seed.
"""

from __future__ import absolute_import

from functools import partial

from marx.runner.divide.does import SELF, Does, note

FUNCTIONS = {}

#: Methods of the objects that these libraries make, asked only of those that the item itself has made.
METHODS = {}

#: What draws random numbers from numpy's shared generator unless a keyword of `SEEDS` brings a seed.
DRAWING = set()
SEEDS = ("random_state", "seed", "rng")

#: What prints how it went, by Python's own `print`, unless it is told not to.
PRINTING = frozenset(["scipy.optimize.fmin", "scipy.optimize.fmin_bfgs", "scipy.optimize.fmin_cg", "scipy.optimize.fmin_powell"])

#: Keywords that make it print, in part from C, past `sys.stdout`; ``options`` may hold them.
LOUD = frozenset(["disp", "iprint", "verbose"])

#: Keywords that allow that arguments are changed, where they are not true.
SPARING = frozenset(["copy", "copy_X", "copy_x"])

_note = partial(note, FUNCTIONS)


def _draw(module, gives, names, calls=()):
    _note(module, gives, names, calls)
    DRAWING.update("%s.%s" % (module, name) for name in names.split())


def _methods(gives, names):
    for name in names.split():
        METHODS[name] = [Does(gives, (), (SELF,), None)]


# scipy: numbers and arrays to new arrays. What stands behind ``most`` is where results are written, or allows that arguments are overwritten.
_note("scipy.special", "new", "digamma erf erfc erfcinv erfinv ellipe ellipk expit gamma gammaln i0 i1 j0 j1 k0 k1 logit ndtr ndtri psi y0 y1 zeta", most=1)
_note("scipy.special", "new", "beta betaln binom gammainc gammaincc iv jn jv kv xlogy yn yv", most=2)
_note("scipy.special", "new", "comb factorial log_softmax logsumexp perm roots_hermite roots_legendre softmax")
_note("scipy.fft", "new", "dct dst fft fft2 fftfreq fftn fftshift idct idst ifft ifft2 ifftn ifftshift irfft next_fast_len rfft rfftfreq", most=4)
_note("scipy.fftpack", "new", "dct dst fft fft2 fftfreq fftn fftshift idct idst ifft ifft2 ifftn ifftshift irfft rfft rfftfreq", most=4)
_note("scipy.linalg", "new", "block_diag circulant det expm hankel inv logm lu null_space orth pinv schur sqrtm svdvals toeplitz", most=1)
_note("scipy.linalg", "new", "cho_solve cholesky eigvals eigvalsh lu_solve qr solve_triangular", most=2)
_note("scipy.linalg", "new", "norm")
_note("scipy.linalg", "new", "eig eigh lstsq lu_factor solve svd cho_factor", most=2)
_note("scipy.ndimage", "new", "gaussian_filter maximum_filter median_filter minimum_filter uniform_filter gaussian_filter1d rotate shift zoom", most=2)
_note("scipy.ndimage", "new", "laplace prewitt sobel label distance_transform_cdt distance_transform_edt binary_fill_holes", most=1)
_note("scipy.ndimage", "new", "binary_closing binary_dilation binary_erosion binary_opening convolve correlate map_coordinates", most=2)
_note("scipy.ndimage", "new", "center_of_mass maximum maximum_position mean minimum standard_deviation sum sum_labels variance")
_note("scipy.signal", "new", "bessel butter cheby1 cheby2 coherence convolve convolve2d correlate correlate2d csd decimate ellip fftconvolve")
_note("scipy.signal", "new", "filtfilt find_peaks firwin freqz hilbert iirnotch lfilter medfilt peak_prominences peak_widths periodogram")
_note("scipy.signal", "new", "resample_poly savgol_filter sosfilt sosfiltfilt sosfreqz spectrogram stft istft welch wiener")
_note("scipy.spatial.distance", "new", "braycurtis canberra chebyshev cityblock correlation cosine euclidean hamming jaccard squareform")
_note("scipy.spatial.distance", "new", "pdist", calls=(1,))
_note("scipy.spatial.distance", "new", "cdist", calls=(2,))
_note("scipy.spatial", "new", "KDTree cKDTree ConvexHull Delaunay Voronoi")
_note("scipy.cluster.hierarchy", "new", "cophenet cut_tree fcluster inconsistent leaves_list linkage")
_note("scipy.interpolate", "new", "griddata splev splrep splprep")
_note("scipy.stats", "new", "anderson bartlett chi2_contingency chisquare describe entropy f_oneway fisher_exact friedmanchisquare gmean hmean")
_note("scipy.stats", "new", "iqr kendalltau kruskal ks_2samp kurtosis levene linregress mannwhitneyu mode moment normaltest pearsonr")
_note("scipy.stats", "new", "percentileofscore rankdata sem shapiro skew spearmanr theilslopes tmean trim_mean ttest_1samp ttest_ind ttest_rel")
_note("scipy.stats", "new", "variation wilcoxon zscore")
for _name in "beta binom cauchy chi2 expon f gamma geom gumbel_r laplace logistic lognorm nbinom norm pareto poisson rayleigh t uniform weibull_min".split():
    _note("scipy.stats", "new", _name)
    _note("scipy.stats." + _name, "new", "cdf entropy fit interval isf logcdf logpdf logpmf logsf mean median pdf pmf ppf sf std var")
# What calls functions of the program, with arrays that it makes.
_note("scipy.integrate", "new", "fixed_quad odeint quad quad_vec quadrature romberg solve_ivp", calls=(0,))
_note("scipy.integrate", "new", "dblquad", calls=(0, 3, 4))
_note("scipy.integrate", "new", "cumtrapz cumulative_trapezoid romb simps simpson trapezoid trapz")
_note("scipy.optimize", "new", "approx_fprime bisect brenth brent brentq brute curve_fit fixed_point fminbound fsolve golden least_squares", calls=(0,))
_note("scipy.optimize", "new", "leastsq minimize minimize_scalar newton ridder root root_scalar toms748", calls=(0,))
_note("scipy.optimize", "new", " ".join(name.rpartition(".")[2] for name in sorted(PRINTING)), calls=(0,))
_note("scipy.optimize", "new", "linear_sum_assignment linprog lsq_linear nnls")
_draw("scipy.optimize", "new", "basinhopping differential_evolution dual_annealing", calls=(0,))

# scikit-learn. An estimator holds what it is made with, and in `fit` changes itself only (its developers' guide, "APIs of scikit-learn objects").
_ESTIMATORS = {
    "calibration": "CalibratedClassifierCV",
    "cluster": "AgglomerativeClustering Birch DBSCAN MeanShift OPTICS",
    "covariance": "EmpiricalCovariance LedoitWolf OAS ShrunkCovariance",
    "cross_decomposition": "CCA PLSCanonical PLSRegression",
    "decomposition": "KernelPCA PCA",
    "discriminant_analysis": "LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis",
    "dummy": "DummyRegressor",
    "feature_selection": "RFE RFECV SelectFromModel VarianceThreshold",
    "gaussian_process": "GaussianProcessClassifier GaussianProcessRegressor",
    "gaussian_process.kernels": "ConstantKernel DotProduct ExpSineSquared Matern RBF RationalQuadratic WhiteKernel",
    "impute": "KNNImputer SimpleImputer",
    "isotonic": "IsotonicRegression",
    "kernel_ridge": "KernelRidge",
    "linear_model": "ARDRegression BayesianRidge HuberRegressor Lars LarsCV LassoLars LassoLarsCV LinearRegression"
    " LogisticRegression LogisticRegressionCV OrthogonalMatchingPursuit PoissonRegressor QuantileRegressor Ridge RidgeCV"
    " RidgeClassifier",
    "manifold": "Isomap LocallyLinearEmbedding",
    "model_selection": "GridSearchCV GroupKFold KFold LeaveOneGroupOut LeaveOneOut RepeatedKFold StratifiedKFold TimeSeriesSplit",
    "multiclass": "OneVsOneClassifier OneVsRestClassifier",
    "multioutput": "MultiOutputClassifier MultiOutputRegressor",
    "naive_bayes": "BernoulliNB ComplementNB GaussianNB MultinomialNB",
    "neighbors": "KNeighborsClassifier KNeighborsRegressor KernelDensity LocalOutlierFactor NearestCentroid NearestNeighbors"
    " RadiusNeighborsClassifier RadiusNeighborsRegressor",
    "pipeline": "FeatureUnion Pipeline make_pipeline make_union",
    "preprocessing": "Binarizer KBinsDiscretizer LabelBinarizer LabelEncoder MaxAbsScaler MinMaxScaler Normalizer OneHotEncoder OrdinalEncoder"
    " PolynomialFeatures PowerTransformer RobustScaler SplineTransformer StandardScaler",
}
#: Those that draw random numbers, unless they are given a seed: many of them one for the library in C below, whether that uses it or not. What
#: draws only with some arguments (LogisticRegression with solver="liblinear") stands above, and is seen when its first item is computed.
_DRAWING_ESTIMATORS = {
    "cluster": "KMeans MiniBatchKMeans SpectralClustering",
    "covariance": "GraphicalLasso",
    "decomposition": "DictionaryLearning FactorAnalysis FastICA LatentDirichletAllocation NMF TruncatedSVD",
    "dummy": "DummyClassifier",
    "ensemble": "AdaBoostClassifier AdaBoostRegressor BaggingClassifier BaggingRegressor ExtraTreesClassifier ExtraTreesRegressor"
    " GradientBoostingClassifier GradientBoostingRegressor HistGradientBoostingClassifier HistGradientBoostingRegressor IsolationForest"
    " RandomForestClassifier RandomForestRegressor",
    "kernel_approximation": "Nystroem RBFSampler",
    "linear_model": "ElasticNet ElasticNetCV Lasso LassoCV PassiveAggressiveClassifier Perceptron RANSACRegressor SGDClassifier SGDRegressor TheilSenRegressor",
    "manifold": "MDS SpectralEmbedding TSNE",
    "mixture": "BayesianGaussianMixture GaussianMixture",
    "model_selection": "RandomizedSearchCV ShuffleSplit StratifiedShuffleSplit",
    "neural_network": "BernoulliRBM MLPClassifier MLPRegressor",
    "preprocessing": "QuantileTransformer",
    "random_projection": "GaussianRandomProjection SparseRandomProjection",
    "svm": "LinearSVC LinearSVR NuSVC NuSVR OneClassSVM SVC SVR",
    "tree": "DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier ExtraTreeRegressor",
}
#: Of these, those that take no seed, in none of the versions or in some.
UNSEEDED = frozenset(["sklearn.covariance.GraphicalLasso", "sklearn.svm.NuSVR", "sklearn.svm.OneClassSVM", "sklearn.svm.SVR"])
for _module, _names in _ESTIMATORS.items():
    _note("sklearn." + _module, "holds", _names)
for _module, _names in _DRAWING_ESTIMATORS.items():
    _draw("sklearn." + _module, "holds", _names)
_note("sklearn.base", "new", "clone")

# Functions of scikit-learn; what is given an estimator works on copies of it.
_note("sklearn.model_selection", "new", "cross_val_predict cross_val_score cross_validate learning_curve validation_curve")
_draw("sklearn.model_selection", "holds", "train_test_split")
_note("sklearn.metrics", "new", "accuracy_score adjusted_mutual_info_score adjusted_rand_score auc average_precision_score balanced_accuracy_score")
_note("sklearn.metrics", "new", "brier_score_loss calinski_harabasz_score classification_report cohen_kappa_score completeness_score")
_note("sklearn.metrics", "new", "confusion_matrix davies_bouldin_score euclidean_distances explained_variance_score f1_score fbeta_score")
_note("sklearn.metrics", "new", "fowlkes_mallows_score hamming_loss homogeneity_score jaccard_score log_loss matthews_corrcoef max_error")
_note("sklearn.metrics", "new", "mean_absolute_error mean_absolute_percentage_error mean_squared_error mean_squared_log_error")
_note("sklearn.metrics", "new", "median_absolute_error mutual_info_score normalized_mutual_info_score pairwise_distances precision_recall_curve")
_note("sklearn.metrics", "new", "precision_score r2_score recall_score roc_auc_score roc_curve silhouette_samples silhouette_score v_measure_score")
_note("sklearn.metrics", "new", "dcg_score det_curve hinge_loss mean_gamma_deviance mean_pinball_loss mean_poisson_deviance mean_tweedie_deviance")
_note("sklearn.metrics", "new", "ndcg_score top_k_accuracy_score zero_one_loss")
_note("sklearn.metrics.pairwise", "new", "cosine_similarity euclidean_distances linear_kernel manhattan_distances polynomial_kernel rbf_kernel")
_note("sklearn.random_projection", "new", "johnson_lindenstrauss_min_dim")
_note("sklearn.preprocessing", "new", "binarize label_binarize maxabs_scale minmax_scale normalize robust_scale scale")
_note("sklearn.datasets", "new", "load_breast_cancer load_diabetes load_digits load_iris load_linnerud load_wine")
_draw("sklearn.datasets", "new", "make_blobs make_circles make_classification make_friedman1 make_moons make_regression make_s_curve make_swiss_roll")
_draw("sklearn.utils", "holds", "resample shuffle")

# deap: its functions to be minimized give tuples of numbers.
_note("deap.benchmarks", "value", "ackley bohachevsky cigar dent fonseca griewank h1 himmelblau kursawe plane poloni rastrigin rastrigin_scaled")
_note("deap.benchmarks", "value", "rastrigin_skew rosenbrock schaffer schaffer_mo schwefel shekel sphere zdt1 zdt2 zdt3 zdt4 zdt6")
_note("deap.benchmarks", "value", "dtlz1 dtlz2 dtlz3 dtlz4 dtlz5 dtlz6 dtlz7")
_note("deap.tools", "new", "uniform_reference_points")

# Estimators.
_methods("itself", "fit partial_fit set_params")
_methods("part", "fit_transform inverse_transform transform")
_methods("new", "decision_function fit_predict get_feature_names get_feature_names_out get_n_splits get_params kneighbors predict predict_log_proba")
_methods("new", "predict_proba radius_neighbors score score_samples split staged_predict staged_predict_proba staged_score")
# Trees of points, and frozen distributions.
_methods("new", "query query_ball_point query_pairs cdf interval isf logcdf logpdf logpmf logsf mean median pdf pmf ppf sf std var")
