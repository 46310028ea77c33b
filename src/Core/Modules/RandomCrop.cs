using DistNet.Randomness;

namespace DistNet.Modules;

/// <summary>In training, pads an image with zeros on all sides and cuts an image of the old size out of it at a random place: torchvision's
/// <c>RandomCrop(size, padding)</c> with the size of the image.</summary>
/// <remarks>y[i, j] = x[i + v, j + h], and 0 outside, with v and h uniform in −padding … padding. dx[i, j] = dy[i − v, j − h], and 0 outside.</remarks>
public sealed class RandomCrop : Augmentation
{
    /// <summary>Creates the rule.</summary>
    /// <param name="padding">The pixels added on each side, at least 0 and less than the image's height and width.</param>
    public RandomCrop(int padding = 4)
    {
        Padding = padding >= 0
            ? padding
            : throw DistNetException.BadInput($"A random-crop module has the padding {padding}; it must be at least 0.");
    }

    /// <summary>The pixels added on each side.</summary>
    public int Padding { get; }

    /// <inheritdoc/>
    public override string Kind => "random-crop";

    private protected override void CheckFits(ImageShape image)
    {
        if (Padding >= Math.Min(image.Height, image.Width))
        {
            throw DistNetException.BadInput(
                $"its padding is {Padding}, so that nothing might be left of an image of {image.Height}×{image.Width}; expected less than {Math.Min(image.Height, image.Width)}");
        }
    }

    private protected override (int First, int Second) Choose(ImageShape image, uint firstWord, uint secondWord) =>
        (KeyedRandom.Below(firstWord, (2 * Padding) + 1) - Padding, KeyedRandom.Below(secondWord, (2 * Padding) + 1) - Padding);

    private protected override (int Y, int X)? Source(ImageShape image, int first, int second, int y, int x) =>
        y + first >= 0 && y + first < image.Height && x + second >= 0 && x + second < image.Width ? (y + first, x + second) : null;

    private protected override void Move(ImageShape image, int first, int second, ReadOnlySpan<float> input, Span<float> output)
    {
        output.Clear();
        int left = Math.Max(0, -second);
        int length = image.Width - Math.Abs(second);
        for (int channel = 0; channel < image.Channels; channel++)
        {
            for (int y = Math.Max(0, -first); y < Math.Min(image.Height, image.Height - first); y++)
            {
                int row = ((channel * image.Height) + y) * image.Width;
                input.Slice(row + (first * image.Width) + left + second, length).CopyTo(output[(row + left)..]);
            }
        }
    }

    private protected override void MoveBack(ImageShape image, int first, int second, ReadOnlySpan<float> outputGradient, Span<float> inputGradient) =>
        Move(image, -first, -second, outputGradient, inputGradient);
}
