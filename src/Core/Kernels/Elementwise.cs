namespace DistNet.Kernels;

/// <summary>Functions of single elements over flat spans of equal lengths. An output may be one of the inputs (in place) but must not overlap one otherwise.</summary>
public static partial class Elementwise
{
    /// <summary>y = a + b.</summary>
    public static void Add(VectorUnit unit, ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> y) => MapKernels.Run(unit, default(AddMap), a, b, y);

    /// <summary>y = a − b.</summary>
    public static void Subtract(VectorUnit unit, ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> y) => MapKernels.Run(unit, default(SubtractMap), a, b, y);

    /// <summary>y = a · b.</summary>
    public static void Multiply(VectorUnit unit, ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> y) => MapKernels.Run(unit, default(MultiplyMap), a, b, y);

    /// <summary>y = x · scalar.</summary>
    public static void Scale(VectorUnit unit, ReadOnlySpan<float> x, float scalar, Span<float> y) => MapKernels.Run(unit, new ScaleMap(scalar), x, y);

    /// <summary>y = x ÷ scalar.</summary>
    public static void Divide(VectorUnit unit, ReadOnlySpan<float> x, float scalar, Span<float> y) => MapKernels.Run(unit, new DivideMap(scalar), x, y);

    /// <summary>y = 0 where x &lt; 0, else x.</summary>
    public static void Relu(VectorUnit unit, ReadOnlySpan<float> x, Span<float> y) => MapKernels.Run(unit, default(ReluMap), x, y);

    /// <summary>dx = 0 where x &lt; 0, else dy: the gradient passes at x = 0.</summary>
    public static void ReluBackward(VectorUnit unit, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx) => MapKernels.Run(unit, default(ReluBackwardMap), x, dy, dx);

    /// <summary>y = slope · x where x &lt; 0, else x.</summary>
    public static void LeakyRelu(VectorUnit unit, ReadOnlySpan<float> x, float slope, Span<float> y) => MapKernels.Run(unit, new LeakyReluMap(slope), x, x, y);

    /// <summary>dx = slope · dy where x &lt; 0, else dy: the whole gradient passes at x = 0.</summary>
    public static void LeakyReluBackward(VectorUnit unit, ReadOnlySpan<float> x, float slope, ReadOnlySpan<float> dy, Span<float> dx) =>
        MapKernels.Run(unit, new LeakyReluMap(slope), x, dy, dx);

    /// <summary>y = a where a &gt; b, else b.</summary>
    public static void Max(VectorUnit unit, ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> y) => MapKernels.Run(unit, default(MaxMap), a, b, y);

    /// <summary>da = dy where a &gt; b, else 0; db = the other way round: of two equal inputs the second gets the gradient.</summary>
    public static void MaxBackward(VectorUnit unit, ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> dy, Span<float> da, Span<float> db)
    {
        Invariant.Holds(a.Length == dy.Length && b.Length == dy.Length && da.Length == dy.Length && db.Length == dy.Length);
        MaxBackwardKernel kernel = new() { A = a, B = b, OutputGradient = dy, FirstGradient = da, SecondGradient = db };
        unit.Run(ref kernel);
    }

    /// <summary>y = e^x; see <see cref="VectorFunctions.Exp"/>.</summary>
    public static void Exp(VectorUnit unit, ReadOnlySpan<float> x, Span<float> y) => MapKernels.Run(unit, default(ExpMap), x, y);

    /// <summary>y = ln x; see <see cref="VectorFunctions.Log"/>.</summary>
    public static void Log(VectorUnit unit, ReadOnlySpan<float> x, Span<float> y) => MapKernels.Run(unit, default(LogMap), x, y);

    /// <summary>y = 1 ÷ (1 + e^−x); see <see cref="VectorFunctions.Sigmoid"/>.</summary>
    public static void Sigmoid(VectorUnit unit, ReadOnlySpan<float> x, Span<float> y) => MapKernels.Run(unit, default(SigmoidMap), x, y);

    /// <summary>y = tanh x; see <see cref="VectorFunctions.Tanh"/>.</summary>
    public static void Tanh(VectorUnit unit, ReadOnlySpan<float> x, Span<float> y) => MapKernels.Run(unit, default(TanhMap), x, y);

    /// <summary>y = ln(1 + e^x); see <see cref="VectorFunctions.Softplus"/>.</summary>
    public static void Softplus(VectorUnit unit, ReadOnlySpan<float> x, Span<float> y) => MapKernels.Run(unit, default(SoftplusMap), x, y);

    /// <summary>y = x · Φ(x); see <see cref="VectorFunctions.Gelu"/>.</summary>
    public static void Gelu(VectorUnit unit, ReadOnlySpan<float> x, Span<float> y) => MapKernels.Run(unit, default(GeluMap), x, y);

    /// <summary>y = x ÷ (1 + e^−x); see <see cref="VectorFunctions.Silu"/>.</summary>
    public static void Silu(VectorUnit unit, ReadOnlySpan<float> x, Span<float> y) => MapKernels.Run(unit, default(SiluMap), x, y);

    /// <summary>dx = dy · (Φ(x) + x · φ(x)); see <see cref="VectorFunctions.GeluDerivative"/>.</summary>
    public static void GeluBackward(VectorUnit unit, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx) => MapKernels.Run(unit, default(GeluBackwardMap), x, dy, dx);

    /// <summary>dx = dy · (σ(x) + x · σ(x) · σ(−x)); see <see cref="VectorFunctions.SiluDerivative"/>.</summary>
    public static void SiluBackward(VectorUnit unit, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx) => MapKernels.Run(unit, default(SiluBackwardMap), x, dy, dx);

    /// <summary>dx = dy · (y · (1 − y)), y being the output.</summary>
    public static void SigmoidBackward(VectorUnit unit, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, Span<float> dx) => MapKernels.Run(unit, default(SigmoidBackwardMap), y, dy, dx);

    /// <summary>dx = dy · (1 − y · y), the bracket rounded once, y being the output.</summary>
    public static void TanhBackward(VectorUnit unit, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, Span<float> dx) => MapKernels.Run(unit, default(TanhBackwardMap), y, dy, dx);

    /// <summary>dx = dy · sigmoid(x), x being the input.</summary>
    public static void SoftplusBackward(VectorUnit unit, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx) => MapKernels.Run(unit, default(SoftplusBackwardMap), x, dy, dx);
}
