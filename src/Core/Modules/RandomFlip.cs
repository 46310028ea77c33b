using System.Globalization;

namespace DistNet.Modules;

/// <summary>In training, mirrors an image left to right with probability p: torchvision's <c>RandomHorizontalFlip</c>.</summary>
/// <remarks>y[i, j] = x[i, width − 1 − j] where it is mirrored; dx is dy mirrored again.</remarks>
public sealed class RandomFlip : Augmentation
{
    /// <summary>Creates the rule.</summary>
    /// <param name="probability">The probability p, in [0, 1]; as exact as 2^−32.</param>
    public RandomFlip(double probability = 0.5)
    {
        Probability = probability is >= 0 and <= 1
            ? probability
            : throw DistNetException.BadInput(
                $"A random-flip module has the probability {probability.ToString(CultureInfo.InvariantCulture)}; it must be at least 0 and at most 1.");
    }

    /// <summary>The probability that an image is mirrored.</summary>
    public double Probability { get; }

    /// <inheritdoc/>
    public override string Kind => "random-flip";

    private protected override (int First, int Second) Choose(ImageShape image, uint firstWord, uint secondWord) =>
        (firstWord < (ulong)(Probability * 4294967296.0) ? 1 : 0, 0);

    private protected override (int Y, int X)? Source(ImageShape image, int first, int second, int y, int x) => (y, first == 0 ? x : image.Width - 1 - x);

    private protected override void Move(ImageShape image, int first, int second, ReadOnlySpan<float> input, Span<float> output)
    {
        input.CopyTo(output);
        for (int row = 0; first != 0 && row < image.Rows; row++)
        {
            output.Slice(row * image.Width, image.Width).Reverse();
        }
    }
}
