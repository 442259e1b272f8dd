"""Words that stand on the slides: whoever has the slides in hand looks for these."""

PHRASES = [phrase.strip() for phrase in """
maximum likelihood estimate; laplace distribution; linearity of expectation; decomposition of variance; playground; sigmoid;
dropout; momentum; multivariate chain rule; numerator layout; denominator layout; matrix in, scalar out; matrix cookbook; omniglot;
linearmap; softmaxcrossentropyloss; singlelayermlp; twolayermlp; zerograd; loadparams; training loop; vectorize; feedforward;
batch gradient descent; stochastic gradient descent; stopping criteria; learning rate schedule; leaky relu; maxout; elu;
generalization error; ridge regression; tikhonov; weight decay as constrained optimization; eigenvalue; sparse; hyperparameters;
loss curve; jacobian matrix; reuse computation; never do this; brier; perceptron; gradient field; local minima; global minimum;
finite differences; wolfram alpha; gradient tape; tensorflow; requires_grad; topological order; memory leak; running_loss;
mini-batch; minibatch; adam; unit step; softsign; softmaxarg; softargmax; soft argmax; softrank; kullback-leibler; one-hot;
categorical cross entropy; underflow; 5relu; vanishing gradients; weight init; initialization; early stopping; image segmentation
""".replace("\n", " ").split(";")]
