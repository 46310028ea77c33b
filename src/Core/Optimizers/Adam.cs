using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DistNet.Kernels;

namespace DistNet.Optimizers;

/// <summary>Adam (Kingma and Ba, 2015, algorithm 1) and AdamW (Loshchilov and Hutter, 2019, algorithm 2): one rule, of which Adam is the case λ = 0.</summary>
/// <remarks>
/// <para>For each parameter w with gradient g, one float operation after the other (<c>fma(a, b, c)</c> = a·b + c, rounded once):</para>
/// <code>
/// gradient     = g · clipFactor
/// firstMoment  = fma(β₁, firstMoment,  gradient · (1 − β₁))
/// secondMoment = fma(β₂, secondMoment, (gradient · gradient) · (1 − β₂))
/// denominator  = fma(√secondMoment, 1 / √(1 − β₂^t), ε)
/// w            = fma(−η / (1 − β₁^t), firstMoment ÷ denominator, w · keep)      // keep = 1 − ηλ
/// </code>
/// <para>Each of the scalars β₁, 1 − β₁, β₂, 1 − β₂, 1 / √(1 − β₂^t), −η / (1 − β₁^t), ε and keep is computed in double and rounded to float once. The powers come from the
/// training state by repeated multiplication.</para>
/// <para>As <c>torch.optim.AdamW(amsgrad=False)</c>, and with λ = 0 <c>torch.optim.Adam</c>: ε is added outside the root, after the bias correction. The
/// <c>weight_decay</c> of <c>torch.optim.Adam</c> is coupled: it equals <c>regularization.l2</c> = weight_decay / 2, and passes through the moments.</para>
/// <para>The first moments of a unit that is never active decay to subnormal numbers and stay there, and processors divide these some four times slower. So +0 is divided instead where no bit can tell:
/// where the moment is below 2^−100 and the weight so large that what the moment changes, at the least denominator ε, is less than half the step from the weight to its neighbour.</para>
/// </remarks>
public sealed class Adam(OptimizerOptions options) : UpdateRule
{
    // 2^−100, far above the subnormal numbers.
    private const float SmallMoment = 7.8886091e-31f;

    // Of a normal float, more than this part is half the step to its neighbour; and a factor of two for all roundings.
    private const double LessThanHalfStep = 1.0 / (1 << 27);

    /// <inheritdoc/>
    public override ImmutableArray<string> SlotNames => ["firstMoment", "secondMoment"];

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Update(VectorUnit unit, in UpdateScalars scalars, UpdateBlock block)
    {
        ArgumentNullException.ThrowIfNull(unit);
        int length = block.Parameters.Length;
        Invariant.Holds(length % 16 == 0 && block.Gradient.Length == length && block.Slot0.Length == length && block.Slot1.Length == length);
        Invariant.Holds(block.Average.IsEmpty || block.Average.Length == length);
        double stepSize = scalars.LearningRate / (1 - scalars.Beta1Power);
        Kernel kernel = new()
        {
            Parameters = block.Parameters,
            Gradient = block.Gradient,
            FirstMoment = block.Slot0,
            SecondMoment = block.Slot1,
            Average = block.Average,
            Beta1 = (float)options.Beta1,
            Beta1Rest = (float)(1 - options.Beta1),
            Beta2 = (float)options.Beta2,
            Beta2Rest = (float)(1 - options.Beta2),
            RootCorrection = (float)(1 / Math.Sqrt(1 - scalars.Beta2Power)),
            Epsilon = (float)options.Epsilon,
            MinusStepSize = (float)-stepSize,
            Unmoved = (float)Math.Max(FloatBits.LeastNormal, stepSize * SmallMoment / (float)options.Epsilon / LessThanHalfStep),
            Keep = Keep(options, scalars.LearningRate, block.Decayed),
            Factor = (float)scalars.ClipFactor * block.GradientScale,
            AverageShare = (float)scalars.AverageShare,
        };
        unit.Run(ref kernel);
    }

    private ref struct Kernel : IKernel
    {
        public Span<float> Parameters;
        public ReadOnlySpan<float> Gradient;
        public Span<float> FirstMoment;
        public Span<float> SecondMoment;
        public Span<float> Average;
        public float Beta1;
        public float Beta1Rest;
        public float Beta2;
        public float Beta2Rest;
        public float RootCorrection;
        public float Epsilon;
        public float MinusStepSize;

        // A weight of a greater magnitude is not moved by a first moment below SmallMoment.
        public float Unmoved;
        public float Keep;
        public float Factor;
        public float AverageShare;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            ref float parameters = ref MemoryMarshal.GetReference(Parameters);
            ref float gradients = ref MemoryMarshal.GetReference(Gradient);
            ref float firstMoments = ref MemoryMarshal.GetReference(FirstMoment);
            ref float secondMoments = ref MemoryMarshal.GetReference(SecondMoment);
            ref float averages = ref MemoryMarshal.GetReference(Average);
            bool hasAverage = !Average.IsEmpty;
            TVector beta1 = TOps.Broadcast(Beta1);
            TVector beta1Rest = TOps.Broadcast(Beta1Rest);
            TVector beta2 = TOps.Broadcast(Beta2);
            TVector beta2Rest = TOps.Broadcast(Beta2Rest);
            TVector rootCorrection = TOps.Broadcast(RootCorrection);
            TVector epsilon = TOps.Broadcast(Epsilon);
            TVector minusStepSize = TOps.Broadcast(MinusStepSize);
            TVector smallMoment = TOps.Broadcast(SmallMoment);
            TVector unmoved = TOps.Broadcast(Unmoved);
            TVector magnitude = TOps.Broadcast(FloatBits.Magnitude);
            TVector keep = TOps.Broadcast(Keep);
            TVector factor = TOps.Broadcast(Factor);
            TVector averageShare = TOps.Broadcast(AverageShare);
            for (nuint i = 0; i < (nuint)Parameters.Length; i += (nuint)TOps.Count)
            {
                TVector gradient = TOps.Multiply(TOps.Load(ref gradients, i), factor);
                TVector firstMoment = TOps.FusedMultiplyAdd(beta1, TOps.Load(ref firstMoments, i), TOps.Multiply(gradient, beta1Rest));
                TVector square = TOps.Multiply(TOps.Multiply(gradient, gradient), beta2Rest);
                TVector secondMoment = TOps.FusedMultiplyAdd(beta2, TOps.Load(ref secondMoments, i), square);
                TVector denominator = TOps.FusedMultiplyAdd(TOps.Sqrt(secondMoment), rootCorrection, epsilon);
                TVector kept = TOps.Multiply(TOps.Load(ref parameters, i), keep);
                TOps.Store(firstMoment, ref firstMoments, i);
                TOps.Store(secondMoment, ref secondMoments, i);
                TVector moves = TOps.Select(
                    TOps.And(TOps.LessThan(TOps.And(firstMoment, magnitude), smallMoment), TOps.GreaterThan(TOps.And(kept, magnitude), unmoved)), TOps.Zero, firstMoment);
                TVector weight = TOps.FusedMultiplyAdd(minusStepSize, TOps.Divide(moves, denominator), kept);
                TOps.Store(weight, ref parameters, i);
                if (hasAverage)
                {
                    TOps.Store(WeightAverage.Next<TVector, TOps>(averageShare, weight, TOps.Load(ref averages, i)), ref averages, i);
                }
            }
        }
    }
}
