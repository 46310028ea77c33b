using System.Runtime.CompilerServices;
using DistNet.Kernels;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Optimizers;

/// <summary>An exponential moving average of the weights over the updates (Polyak and Juditsky, 1992): what is validated and kept as the model, while the training goes on with
/// the weights themselves.</summary>
/// <remarks>
/// <para>After an update, for each parameter w that is trained, with t the updates before this one (<c>fma(a, b, c)</c> = a·b + c, rounded once):</para>
/// <code>
/// share   = 1 − min(decay, (1 + t) / (10 + t))      // 1 at t = 0, so that the average begins as the weights after the first update
/// average = fma(share, w − average, average)
/// </code>
/// <para>share is computed in double and rounded to float once. Before the first update the average is the weights as they start. What is not trained has no average. As PyTorch's <c>AveragedModel</c> with <c>get_ema_multi_avg_fn(decay)</c>, with the warm-up of TensorFlow's
/// <c>ExponentialMovingAverage(decay, num_updates)</c>, without which a short run would be judged by its first steps.</para>
/// </remarks>
public static class WeightAverage
{
    /// <summary>The name of the average among the optimizer's slots.</summary>
    public const string SlotName = "average";

    /// <summary>The share of the new weights in the average after the update that follows a state.</summary>
    /// <param name="decay">The decay in the long run, in [0, 1).</param>
    /// <param name="state">The state the step starts from.</param>
    public static double Share(double decay, TrainingState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        double t = state.Updates;
        return state.Updates == 0 ? 1 : 1 - Math.Min(decay, (1 + t) / (10 + t));
    }

    /// <summary>Puts the average in the weights' place, and the weights in the average's.</summary>
    /// <param name="weights">The weights.</param>
    /// <param name="average">The average, of the same layout.</param>
    public static void Exchange(Arena weights, Arena average)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(average);
        Span<float> kept = stackalloc float[ArenaBlocks.Size];
        foreach (ParameterEntry entry in weights.Layout.Entries.Where(entry => entry.IsTrained))
        {
            for (int start = 0; start < entry.Length; start += kept.Length)
            {
                Span<float> one = weights[entry][start..Math.Min(entry.Length, start + kept.Length)];
                Span<float> other = average[entry].Slice(start, one.Length);
                one.CopyTo(kept);
                other.CopyTo(one);
                kept[..one.Length].CopyTo(other);
            }
        }
    }

    /// <summary>Copies what is trained: weights into the average, where that begins, or the average into the weights, where it becomes the model.</summary>
    /// <param name="source">The weights or the average.</param>
    /// <param name="destination">The other; overwritten.</param>
    public static void Copy(Arena source, Arena destination)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        foreach (ParameterEntry entry in source.Layout.Entries.Where(entry => entry.IsTrained))
        {
            source[entry].CopyTo(destination[entry]);
        }
    }

    /// <summary>The average with new weights taken in.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static TVector Next<TVector, TOps>(TVector share, TVector weight, TVector average)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TOps.FusedMultiplyAdd(share, TOps.Subtract(weight, average), average);
}
