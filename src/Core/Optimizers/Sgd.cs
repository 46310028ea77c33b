using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DistNet.Kernels;

namespace DistNet.Optimizers;

/// <summary>Stochastic gradient descent with momentum, Nesterov's variant and decoupled weight decay.</summary>
/// <remarks>
/// <para>For each parameter w with gradient g, one float operation after the other (<c>fma(a, b, c)</c> = a·b + c, rounded once):</para>
/// <code>
/// gradient  = g · clipFactor
/// momentum  = fma(μ, momentum, gradient)          // only where μ > 0
/// direction = momentum                            // gradient where μ = 0
/// direction = fma(μ, momentum, gradient)          // Nesterov
/// w         = fma(−η, direction, w · keep)        // keep = 1 − ηλ
/// </code>
/// <para>μ and −η are rounded to float, keep is computed in double and rounded once.</para>
/// <para>As <c>torch.optim.SGD(momentum=μ, dampening=0, nesterov=…)</c>: the slot starts at 0, so after the first step it equals the gradient, as there.
/// PyTorch's <c>weight_decay</c> of SGD is coupled: it equals <c>regularization.l2</c> = weight_decay / 2. The decoupled λ of
/// this rule is no option there (it is SGDW of Loshchilov and Hutter, 2019, with their schedule multiplier taken as the learning rate, as AdamW takes it).</para>
/// </remarks>
public sealed class Sgd(OptimizerOptions options) : UpdateRule
{
    /// <inheritdoc/>
    public override ImmutableArray<string> SlotNames { get; } = options.Momentum > 0 ? ["momentum"] : [];

    /// <inheritdoc/>
    public override void Update(VectorUnit unit, in UpdateScalars scalars, UpdateBlock block)
    {
        ArgumentNullException.ThrowIfNull(unit);
        int length = block.Parameters.Length;
        bool hasMomentum = options.Momentum > 0;
        Invariant.Holds(length % 16 == 0 && block.Gradient.Length == length && (!hasMomentum || block.Slot0.Length == length));
        Invariant.Holds(block.Average.IsEmpty || block.Average.Length == length);
        Kernel kernel = new()
        {
            Parameters = block.Parameters,
            Gradient = block.Gradient,
            Momentum = block.Slot0,
            Average = block.Average,
            HasMomentum = hasMomentum,
            Nesterov = options.Nesterov,
            Mu = (float)options.Momentum,
            Keep = Keep(options, scalars.LearningRate, block.Decayed),
            MinusRate = (float)-scalars.LearningRate,
            Factor = (float)scalars.ClipFactor * block.GradientScale,
            AverageShare = (float)scalars.AverageShare,
        };
        unit.Run(ref kernel);
    }

    private ref struct Kernel : IKernel
    {
        public Span<float> Parameters;
        public ReadOnlySpan<float> Gradient;
        public Span<float> Momentum;
        public Span<float> Average;
        public bool HasMomentum;
        public bool Nesterov;
        public float Mu;
        public float Keep;
        public float MinusRate;
        public float Factor;
        public float AverageShare;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector, TOps>()
            where TVector : struct
            where TOps : struct, IVectorOps<TVector>
        {
            ref float parameters = ref MemoryMarshal.GetReference(Parameters);
            ref float gradients = ref MemoryMarshal.GetReference(Gradient);
            ref float slot = ref MemoryMarshal.GetReference(Momentum);
            ref float averages = ref MemoryMarshal.GetReference(Average);
            TVector mu = TOps.Broadcast(Mu);
            TVector keep = TOps.Broadcast(Keep);
            TVector minusRate = TOps.Broadcast(MinusRate);
            TVector factor = TOps.Broadcast(Factor);
            TVector averageShare = TOps.Broadcast(AverageShare);
            bool hasAverage = !Average.IsEmpty;
            bool hasMomentum = HasMomentum;
            bool nesterov = Nesterov;
            for (nuint i = 0; i < (nuint)Parameters.Length; i += (nuint)TOps.Count)
            {
                TVector gradient = TOps.Multiply(TOps.Load(ref gradients, i), factor);
                TVector direction = gradient;
                if (hasMomentum)
                {
                    TVector momentum = TOps.FusedMultiplyAdd(mu, TOps.Load(ref slot, i), gradient);
                    TOps.Store(momentum, ref slot, i);
                    direction = nesterov ? TOps.FusedMultiplyAdd(mu, momentum, gradient) : momentum;
                }

                TVector kept = TOps.Multiply(TOps.Load(ref parameters, i), keep);
                TVector weight = TOps.FusedMultiplyAdd(minusRate, direction, kept);
                TOps.Store(weight, ref parameters, i);
                if (hasAverage)
                {
                    TOps.Store(WeightAverage.Next<TVector, TOps>(averageShare, weight, TOps.Load(ref averages, i)), ref averages, i);
                }
            }
        }
    }
}
