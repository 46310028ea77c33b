using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using DistNet.Kernels;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Optimizers;

/// <summary>One slot of an optimizer: a value per parameter that lives from step to step, saved and hashed like the parameters.</summary>
/// <param name="Name">Its name: <c>momentum</c>, <c>firstMoment</c>, <c>secondMoment</c>, <c>average</c>.</param>
/// <param name="Values">The values; before the first update +0, but for the average, which begins as the weights.</param>
public sealed record OptimizerSlot(string Name, Arena Values);

/// <summary>What an update did.</summary>
/// <param name="Finite">Whether the gradient at the root, changes of buffers included, was finite. If not, nothing changed.</param>
/// <param name="GradientNorm">The global norm of the gradient, penalties included, before clipping; NaN where it was not asked for, NaN or infinite where the gradient or a buffer's change is not finite.</param>
/// <param name="Clipped">Whether the gradient was scaled down.</param>
public readonly record struct UpdateOutcome(bool Finite, double GradientNorm, bool Clipped);

/// <summary>From the gradients of nodes to new parameters: the canonical sum's root, the division, penalties, clipping and the optimizer's rule.</summary>
/// <remarks>
/// <para>Two passes over memory with a barrier between them, since nothing may change before every element is known to be finite and the norm, where it is asked for or clips, is known: the
/// first makes the root's gradient g, the second updates. For the nodes' folded sum S, in float unless said otherwise:</para>
/// <code>
/// g    = S ÷ (float)weight
/// g    = fma(2·α₂, w, g)               // L2: the lecture's α‖w‖², gradient 2αw
/// g    = g + α₁·sign(w)                // L1, sign(0) = 0
/// norm = √(Σ g²)                       // in double: 16 lanes inside blocks of 2048, trees over a parameter's blocks and over parameters
/// clipFactor = min(1, clipNorm / (norm + 1e-6))    // in double, rounded once; PyTorch's clip_grad_norm_
/// </code>
/// <para>Then the rule of <see cref="Sgd"/> or <see cref="Adam"/>, which takes <see cref="WeightAverage"/> along where the job asks for it. Penalties and decay apply to weights, and to biases and scales only where the job asks so.</para>
/// <para>A buffer b (a running statistic) has the folded sum S of its changes, and neither norm, rule nor slots: b = b + S ÷ (float)samples.</para>
/// <para>Instances have one owner: one call at a time. A call allocates nothing once it has seen the largest cover.</para>
/// </remarks>
public sealed class ParameterUpdate
{
    // PyTorch's guard against a division by zero in clip_grad_norm_.
    private const double ClipEpsilon = 1e-6;

    private readonly OptimizerOptions optimizer;
    private readonly VectorUnit unit;
    private readonly Crew crew;
    private readonly UpdateRule rule;
    private readonly ArenaBlocks blocks;
    private readonly RootGradient root;
    private readonly BlockWork work;
    private UpdateScalars scalars;

    /// <summary>Makes the update of one model, with parameters and slots of +0.</summary>
    /// <param name="layout">Names, shapes and offsets of the parameters.</param>
    /// <param name="optimizer">The rule and its settings.</param>
    /// <param name="regularization">The penalties.</param>
    /// <param name="unit">The vector unit; changes no bit.</param>
    /// <param name="crew">The threads; changes no bit.</param>
    /// <param name="memory">Where the parameters live, as long as the arena and +0; null allocates it.</param>
    /// <exception cref="DistNetException">A setting is out of its range.</exception>
    public ParameterUpdate(Layout layout, OptimizerOptions optimizer, RegularizationOptions regularization, VectorUnit unit, Crew crew, Memory<float>? memory = null)
    {
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentNullException.ThrowIfNull(crew);
        JobChecks.Check(optimizer);
        JobChecks.Check(regularization);
        this.optimizer = optimizer;
        this.crew = crew;
        this.unit = unit;
        rule = UpdateRule.For(optimizer);
        blocks = new(layout, optimizer.DecayBiases);
        Parameters = memory is { } given ? new(layout, given) : new(layout);
        RuleSlots = [.. rule.SlotNames.Select(name => new OptimizerSlot(name, new Arena(layout)))];
        Average = optimizer.EmaDecay is null ? null : new(layout);
        Slots = Average is null ? RuleSlots : [.. RuleSlots, new(WeightAverage.SlotName, Average)];
        root = new(layout, blocks, regularization, unit, crew);
        work = new(blocks.Blocks.Length, (first, end, _) => Update(first, end));
    }

    /// <summary>The parameters. The owner initialises or restores them; <see cref="Apply"/> updates them.</summary>
    public Arena Parameters { get; }

    /// <summary>The optimizer's slots, in a fixed order, the average among them.</summary>
    public ImmutableArray<OptimizerSlot> Slots { get; }

    /// <summary>The slots of the rule alone.</summary>
    public ImmutableArray<OptimizerSlot> RuleSlots { get; }

    /// <summary>The average of the weights; null where none is kept. The owner begins or restores it.</summary>
    public Arena? Average { get; }

    /// <summary>When the last <see cref="Apply"/> had the gradient at the root, as <see cref="Stopwatch.GetTimestamp"/> tells.</summary>
    public long SummedAt { get; private set; }

    /// <summary>Folds, divides, adds penalties, clips and updates.</summary>
    /// <param name="nodes">A disjoint cover of the batch's slices: any cover, in any order, gives the same bits. Their values are overwritten.</param>
    /// <param name="sliceCount">The slices of the batch, at least 1.</param>
    /// <param name="weight">The sum of the samples' weights, which the sum is divided by once.</param>
    /// <param name="samples">The number of samples, which the sum of a buffer's changes is divided by.</param>
    /// <param name="learningRate">η of this step, the schedule's factor included.</param>
    /// <param name="state">The state the step starts from; β^t is taken from it.</param>
    /// <param name="normed">Whether the gradient's norm is asked for, which costs more than to know that it is finite; it is known too where it clips.</param>
    /// <returns>What was done. Where the gradient is not finite, parameters, slots and state are exactly as they were.</returns>
    /// <exception cref="InvalidOperationException">The nodes are no disjoint cover, or a gradient is not as long as an arena.</exception>
    public UpdateOutcome Apply(ReadOnlySpan<NodeGradient> nodes, int sliceCount, double weight, long samples, double learningRate, TrainingState state, bool normed = true)
    {
        ArgumentNullException.ThrowIfNull(state);
        try
        {
            normed |= optimizer.ClipNorm is not null;
            double squares = root.Compute(nodes, sliceCount, weight, samples, Parameters, normed);
            SummedAt = Stopwatch.GetTimestamp();
            double norm = normed ? Math.Sqrt(squares) : double.NaN;
            if (!double.IsFinite(squares))
            {
                return new(Finite: false, norm, Clipped: false);
            }

            double clipFactor = optimizer.ClipNorm is double clipNorm ? Math.Min(1, clipNorm / (norm + ClipEpsilon)) : 1;
            scalars = UpdateScalars.After(state, optimizer, learningRate, clipFactor);
            work.Run(crew);
            return new(Finite: true, norm, Clipped: clipFactor < 1);
        }
        finally
        {
            root.Forget();
        }
    }

    // The second pass: the rule; for a buffer the addition of its mean change.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Update(int first, int end)
    {
        while (first < end)
        {
            Update(blocks.Stretch(ref first, end));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Update(ArenaBlock block)
    {
        Span<float> parameters = Parameters.Span.Slice(block.Offset, block.PaddedLength);
        ReadOnlySpan<float> gradient = root.Values.Slice(block.Offset, block.PaddedLength);
        if (block.IsBuffer)
        {
            Elementwise.Add(unit, parameters, gradient, parameters);
            return;
        }

        rule.Update(unit, scalars, new()
        {
            Parameters = parameters,
            Gradient = gradient,
            GradientScale = root.Scale(block),
            Slot0 = Slot(0, block),
            Slot1 = Slot(1, block),
            Average = Average is null ? default : Average.Span.Slice(block.Offset, block.PaddedLength),
            Decayed = block.Decayed,
        });
    }

    private Span<float> Slot(int index, ArenaBlock block) =>
        index < RuleSlots.Length ? RuleSlots[index].Values.Span.Slice(block.Offset, block.PaddedLength) : default;
}
