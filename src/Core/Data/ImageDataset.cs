using System.Collections.Immutable;
using DistNet.Losses;
using DistNet.Tensors;

namespace DistNet.Data;

/// <summary>Datasets from folders of PNG and JPEG files, a folder for each class: <c>train/cat/1.png</c>. Decoded once, to bytes [channels, height, width].</summary>
/// <remarks>Classes are in the ordinal order of their folders' names, samples in the order of their classes and then of their files' names, ordinal too. Files of other names than
/// <c>*.png</c>, <c>*.jpg</c> and <c>*.jpeg</c> are passed over; which format a file has, its content says. The fingerprint is that of the decoded bytes.</remarks>
public static class ImageDataset
{
    /// <summary>Reads images and classes.</summary>
    /// <param name="path">The folder, or a file that <see cref="ImagePack"/> gave.</param>
    /// <param name="options">Size and channels.</param>
    /// <param name="loss">The loss: one that takes classes.</param>
    /// <param name="expected">What the training data decided, for a further folder; null for the training data themselves.</param>
    /// <exception cref="DistNetException">The folder or an image is missing, damaged or does not fit; the sentence tells which and how.</exception>
    public static Dataset Load(string path, ImageOptions options, LossKind loss, DataExpectation? expected = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        LabelKind kind = LabelKinds.Of(loss);
        if (kind == LabelKind.Numbers)
        {
            throw DistNetException.BadInput($"The folder '{path}' gives each image a class; expected a loss that takes classes, not mean-squared-error.");
        }

        if (File.Exists(path))
        {
            return CheckShape(path, ImagePack.Read(path), expected);
        }

        ImmutableArray<string> classes = [.. Names(path, Directory.EnumerateDirectories).Where(name => !name.StartsWith('.'))];
        if (expected is null && (classes.Length is < 2 or > ClassIndex.MaximumClasses || (kind == LabelKind.TwoClasses && classes.Length != 2)))
        {
            throw DistNetException.BadInput(
                $"The folder '{path}' has {DataFile.Shown(classes.Length)} folders of images ({ClassIndex.Shown(classes)}); expected {(kind == LabelKind.TwoClasses ? "2" : $"2 to {DataFile.Shown(ClassIndex.MaximumClasses)}")}, one for each class.");
        }

        ImmutableArray<string> known = expected?.ClassNames ?? classes;
        List<(string Path, int Label)> files = [];
        foreach (string name in classes)
        {
            int label = known.IndexOf(name);
            if (label < 0)
            {
                throw DistNetException.BadInput($"The folder '{Path.Combine(path, name)}' is of the class '{name}'; expected one of the classes of the training data: {ClassIndex.Shown(known)}.");
            }

            string[] images = [.. ImageFiles(Path.Combine(path, name))];
            if (images.Length == 0)
            {
                throw DistNetException.BadInput($"The folder '{Path.Combine(path, name)}' has no image; expected at least one file *.png, *.jpg or *.jpeg.");
            }

            files.AddRange(images.Select(image => (image, label)));
        }

        if (files.Count == 0)
        {
            throw DistNetException.BadInput($"The folder '{path}' has no folder of images; expected one for each class.");
        }

        (Shape shape, byte[] pixels) = Decode([.. files.Select(file => file.Path)], options);
        return CheckShape(path, new ByteDataset(shape, pixels, SampleLabels.Classes([.. files.Select(file => file.Label)], known)), expected);
    }

    /// <summary>Reads images alone, to predict for: those in a folder, or those in its folders, which need not be classes.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="options">Size and channels.</param>
    /// <param name="expected">What the training data decided.</param>
    /// <exception cref="DistNetException">The folder or an image is missing, damaged or does not fit.</exception>
    public static Dataset LoadInputs(string path, ImageOptions options, DataExpectation expected)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(expected);
        ImmutableArray<string> files = [.. ImageFiles(path), .. Names(path, Directory.EnumerateDirectories).Where(name => !name.StartsWith('.')).SelectMany(name => ImageFiles(Path.Combine(path, name)))];
        if (files.IsEmpty)
        {
            throw DistNetException.BadInput($"The folder '{path}' has no image; expected at least one file *.png, *.jpg or *.jpeg in it or in its folders.");
        }

        (Shape shape, byte[] pixels) = Decode(files, options);
        return CheckShape(path, new ByteDataset(shape, pixels, SampleLabels.None), expected);
    }

    private static Dataset CheckShape(string path, Dataset data, DataExpectation? expected) => expected is null || data.InputShape == expected.InputShape
        ? data
        : throw DistNetException.BadInput($"The images in '{path}' have the shape {data.InputShape}; expected {expected.InputShape}, as in the training data (data.size scales them).");

    private static (Shape Shape, byte[] Pixels) Decode(ImmutableArray<string> files, ImageOptions options)
    {
        byte[] all = [];
        (int height, int width) = options.Size ?? 0;
        for (int i = 0; i < files.Length; i++)
        {
            ImageFile.Image image = ImageFile.Read(files[i], options.Channels);
            if (i == 0)
            {
                (height, width) = options.Size ?? (image.Height, image.Width);
                long bytes = (long)options.Channels * height * width * files.Length;
                all = bytes <= Array.MaxLength ? new byte[bytes] : throw DistNetException.BadInput(
                    $"The {DataFile.Shown(files.Length)} images beginning with '{files[0]}' have {DataFile.Shown(bytes)} bytes when decoded; expected at most {DataFile.Shown(Array.MaxLength)} (data.size makes them smaller).");
            }

            bool isAsExpected = image.Height == height && image.Width == width;
            if (!isAsExpected && options.Size is null)
            {
                throw DistNetException.BadInput(
                    $"The image '{files[i]}' has {image.Height} × {image.Width} pixels; expected {height} × {width}, as '{files[0]}' has (data.size: [height, width] scales all).");
            }

            byte[] pixels = isAsExpected ? image.Pixels : ImageScaling.Scale(image.Pixels, options.Channels, image.Height, image.Width, height, width);
            pixels.CopyTo(all, (long)i * pixels.Length);
        }

        return (new Shape(options.Channels, height, width), all);
    }

    private static IEnumerable<string> ImageFiles(string folder) => Names(folder, Directory.EnumerateFiles)
        .Where(name => !name.StartsWith('.') && Path.GetExtension(name).ToLowerInvariant() is ".png" or ".jpg" or ".jpeg")
        .Select(name => Path.Combine(folder, name));

    private static IEnumerable<string> Names(string folder, Func<string, IEnumerable<string>> list)
    {
        try
        {
            return [.. list(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw DistNetException.BadInput($"The folder '{folder}' cannot be read: {error.Message.TrimEnd('.')}.", error);
        }
    }
}
