using DistNet.Data;
using DistNet.Randomness;

namespace DistNet.Training;

/// <summary>The order in which an epoch visits the training samples: a pure function of (seed, epoch), so that every worker derives the same
/// one by itself and a resume needs nothing that was drawn before (lecture: "Shuffle the order of the training examples").</summary>
/// <param name="split">The training samples.</param>
/// <param name="mode">Whether and when the order changes.</param>
/// <param name="seed">The key of the shuffle.</param>
/// <remarks>Safe to share between workers of one process: the two latest epochs are kept.</remarks>
public sealed class SampleOrder(DataSplit split, ShuffleMode mode, ulong seed)
{
    private readonly Lock gate = new();
    private (int Epoch, int[] Samples) latest = (-1, []);
    private (int Epoch, int[] Samples) previous = (-1, []);

    /// <summary>The samples of an epoch, as indexes into the dataset, in the order of their places.</summary>
    /// <param name="epoch">The epoch's number, from 0.</param>
    public ReadOnlyMemory<int> Of(int epoch)
    {
        if (mode == ShuffleMode.None)
        {
            return split.Samples;
        }

        int key = mode == ShuffleMode.Once ? 0 : epoch;
        lock (gate)
        {
            if (latest.Epoch == key)
            {
                return latest.Samples;
            }

            if (previous.Epoch == key)
            {
                return previous.Samples;
            }

            previous = latest;
            latest = (key, Shuffled(key));
            return latest.Samples;
        }
    }

    private int[] Shuffled(int epoch)
    {
        int[] samples = new int[split.Samples.Length];
        KeyedRandom.Permutation(seed, RandomPurpose.Shuffle, (uint)epoch, samples);
        ReadOnlySpan<int> source = split.Samples.Span;
        for (int place = 0; place < samples.Length; place++)
        {
            samples[place] = source[samples[place]];
        }

        return samples;
    }
}
