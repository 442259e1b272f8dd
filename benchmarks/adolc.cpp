/* A network of layers by ADOL-C.  The loss of one row is recorded once, as a tape, which is then read forth and back for
   every row: the weights are the tape's variables, and the numbers of the row are its parameters. */

#include <adolc/adolc.h>
#include <vector>

static const short TAPE = 1;
static std::vector<double> row_numbers, row_gradients;

/* z[i] = sum over j of weights[i][j] x[j], plus the bias, which stands after all rows of weights. */
template <typename Input>
static std::vector<adouble> layer(const adouble *weights, int outputs, int inputs, Input x)
{
    std::vector<adouble> z(outputs);
    for (int i = 0; i < outputs; i++) {
        z[i] = weights[outputs * inputs + i];
        for (int j = 0; j < inputs; j++) z[i] += weights[i * inputs + j] * x(j);
    }
    return z;
}

static adouble squared_error(const adouble &z, locint target)
{
    adouble error = z - getparam(target);
    return error * error;
}

/* The scores are small here, so that exp needs no shift. */
static adouble cross_entropy(const std::vector<adouble> &scores, const std::vector<locint> &one_hot)
{
    adouble powers = 0.0, right = 0.0;
    for (size_t i = 0; i < scores.size(); i++) {
        powers += exp(scores[i]);
        right += scores[i] * getparam(one_hot[i]);
    }
    return log(powers) - right;
}

/* Records the loss of a row of zeros; `sizes` are those of the inputs and of each of the layers. */
extern "C" void record(int layers, const int *sizes, int relu, int squares, int count, const double *weights)
{
    const int inputs = sizes[0], outputs = sizes[layers];
    row_numbers.assign(inputs + outputs, 0.0);
    row_gradients.resize(count);
    trace_on(TAPE);
    std::vector<adouble> w(count), z;
    for (int i = 0; i < count; i++) w[i] <<= weights[i];
    std::vector<locint> x(inputs), y(outputs);
    for (locint &place : x) place = mkparam_idx(0.0);
    for (locint &place : y) place = mkparam_idx(0.0);
    const adouble *next = w.data();
    const adouble zero = 0.0;
    for (int l = 0; l < layers; next += sizes[l + 1] * (sizes[l] + 1), l++) {
        const std::vector<adouble> before = z;
        z = l ? layer(next, sizes[l + 1], sizes[l], [&](int j) -> const adouble & { return before[j]; })
              : layer(next, sizes[l + 1], sizes[l], [&](int j) { return getparam(x[j]); });
        if (l + 1 < layers)
            for (adouble &unit : z) {
                if (relu) condassign(unit, unit, unit, zero);
                else unit = tanh(unit);
            }
    }
    double loss;
    (squares ? squared_error(z[0], y[0]) : cross_entropy(z, y)) >>= loss;
    trace_off();
}

/* The mean loss of the rows, and where `gradients` is given, those of the weights. */
extern "C" double step(int rows, int inputs, int outputs, int count, const double *x, const double *y,
                       const double *weights, double *gradients)
{
    double total = 0.0, one = 1.0;
    if (gradients) std::fill(gradients, gradients + count, 0.0);
    for (int row = 0; row < rows; row++) {
        double loss;
        std::copy(x + row * inputs, x + (row + 1) * inputs, row_numbers.begin());
        std::copy(y + row * outputs, y + (row + 1) * outputs, row_numbers.begin() + inputs);
        set_param_vec(TAPE, row_numbers.size(), row_numbers.data());
        zos_forward(TAPE, 1, count, gradients != nullptr, weights, &loss);
        total += loss;
        if (!gradients) continue;
        fos_reverse(TAPE, 1, count, &one, row_gradients.data());
        for (int i = 0; i < count; i++) gradients[i] += row_gradients[i] / rows;
    }
    return total / rows;
}
