using System.Text.Json;
using CsCheck;
using DistNet.Data;
using DistNet.Losses;
using DistNet.Tensors;
using DistNet.Training;
using Xunit;
using static DistNet.Tests.Data.DataFileMaker;

namespace DistNet.Tests.Data;

public sealed class ImageDatasetTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Images_are_decoded_as_Pillow_decodes_them_PNG_exactly_and_JPEG_nearly()
    {
        foreach (JsonElement golden in DataFileGoldens.Of("images"))
        {
            string path = folder.Write(golden.Name(), golden.Bytes());
            foreach ((int channels, string name) in new[] { (3, "colour"), (1, "grey") })
            {
                ImageFile.Image image = ImageFile.Read(path, channels);
                Assert.Equal((golden.GetProperty("height").GetInt32(), golden.GetProperty("width").GetInt32()), (image.Height, image.Width));
                float[] expected = golden.Numbers(name);
                Assert.Equal(expected.Length, image.Pixels.Length);
                double difference = expected.Zip(image.Pixels, (left, right) => Math.Abs(left - right)).Max();
                Assert.True(difference <= (golden.Name().EndsWith(".png", StringComparison.Ordinal) ? 0 : 4), $"{golden.Name()}, {name}: {difference}");
            }
        }
    }

    [Fact]
    public void A_folder_for_each_class_becomes_samples_in_ordinal_order()
    {
        byte[] rgb = Golden("rgb.png"), grey = Golden("grey.png");
        foreach ((string name, byte[] bytes) in new[] { ("train/dog/2.png", rgb), ("train/dog/10.PNG", grey), ("train/Cat/a.png", rgb), ("train/Cat/notes.txt", "no image"u8.ToArray()), ("train/Cat/.hidden.png", "no"u8.ToArray()), ("train/.cache/x.png", "no"u8.ToArray()) })
        {
            Write(name, bytes);
        }

        Dataset data = ImageDataset.Load(folder["train"], new ImageOptions(), LossKind.CrossEntropy);
        Assert.IsType<ByteDataset>(data);
        Assert.Equal(new Shape(3, 5, 7), data.InputShape);
        Assert.Equal(["Cat", "dog"], data.ClassNames);
        Assert.Equal([0, 1, 1], data.Labels);
        float[] colour = Expected("rgb.png", "colour");
        Assert.Equal([.. colour, .. Expected("grey.png", "colour"), .. colour], Inputs(data));
        Assert.Equal([.. Expected("rgb.png", "grey"), .. Expected("grey.png", "grey"), .. Expected("rgb.png", "grey")], Inputs(ImageDataset.Load(folder["train"], new ImageOptions { Channels = 1 }, LossKind.CrossEntropy)));

        Write("other/dog/7.jpg", rgb);
        Write("other/dog/8.jpg", rgb);
        Dataset further = ImageDataset.LoadInputs(folder["other"], new ImageOptions(), new DataExpectation(data.InputShape, data.ClassNames));
        Assert.Equal([.. colour, .. colour], Inputs(further));
    }

    [Fact]
    public void The_fingerprint_is_that_of_the_decoded_bytes()
    {
        foreach (string name in new[] { "one/a/1.png", "one/b/1.png", "two/a/other.png", "two/b/1.png" })
        {
            Write(name, name.StartsWith("two", StringComparison.Ordinal) ? [.. Golden("rgb.png"), .. new byte[9]] : Golden("rgb.png"));
        }

        string Fingerprint(string name) => ImageDataset.Load(folder[name], new ImageOptions(), LossKind.CrossEntropy).Fingerprint;
        Assert.Equal(Fingerprint("one"), Fingerprint("two"));
        Write("two/a/other.png", Golden("grey.png"));
        Assert.NotEqual(Fingerprint("one"), Fingerprint("two"));
    }

    [Fact]
    public void A_job_splits_and_normalises_images_as_it_does_all_data()
    {
        for (int i = 0; i < 20; i++)
        {
            Write($"train/{"ab"[i % 2]}/{i}.png", Golden(i % 3 == 0 ? "rgb.png" : "grey.png"));
        }

        Write("test/b/1.png", Golden("rgb.png"));
        DataOptions options = new()
        {
            Format = DataFormat.Images,
            BaseFolder = folder.Path,
            Train = new("train"),
            ValidationShare = 0.25,
            Test = new("test/"),
            ImageSize = (4, 3),
            Normalize = NormalizeMode.Channel,
        };
        LoadedData data = DataLoader.Load(options, LossKind.CrossEntropy, 1, null);
        Assert.Equal((15, 5, 1), (data.Train.Samples.Length, data.Validation!.Samples.Length, data.Test!.Samples.Length));
        Assert.Equal(new Shape(3, 4, 3), data.Train.Data.InputShape);
        Assert.Equal(3, data.Normalization!.Mean.Length);
        Assert.Equal([1], data.Test.Data.Labels);
    }

    [Fact]
    public void Scaling_takes_the_mean_over_areas_rounded_half_up()
    {
        Gen.Select(Gen.Int[1, 9], Gen.Int[1, 9], Gen.Int[1, 9], Gen.Int[1, 9], Gen.Int[1, 3]).SelectMany(sizes => Gen.Byte.Array[sizes.Item1 * sizes.Item2 * sizes.Item5], (sizes, pixels) => (sizes, pixels)).Sample(sample =>
        {
            ((int height, int width, int newHeight, int newWidth, int channels), byte[] pixels) = sample;
            byte[] scaled = ImageScaling.Scale(pixels, channels, height, width, newHeight, newWidth);
            for (int channel = 0; channel < channels; channel++)
            {
                for (int row = 0; row < newHeight; row++)
                {
                    for (int column = 0; column < newWidth; column++)
                    {
                        // Blow the source up to a common multiple of both sizes, and take the mean of whole blocks.
                        long sum = 0;
                        for (int y = row * height; y < (row + 1) * height; y++)
                        {
                            for (int x = column * width; x < (column + 1) * width; x++)
                            {
                                sum += pixels[(((channel * height) + (y / newHeight)) * width) + (x / newWidth)];
                            }
                        }

                        Assert.Equal((byte)(((2 * sum) + (height * width)) / (2 * height * width)), scaled[(((channel * newHeight) + row) * newWidth) + column]);
                    }
                }
            }
        }, iter: 300);
    }

    [Fact]
    public void What_does_not_fit_is_refused_in_one_sentence()
    {
        Write("train/a/1.png", Golden("rgb.png"));
        Assert.StartsWith($"The folder '{folder["train"]}' has 1 folders of images ('a'); expected 2 to 65,536, one for each class.", Error("train"));
        Directory.CreateDirectory(folder["train/b"]);
        Assert.Equal($"The folder '{folder["train/b"]}' has no image; expected at least one file *.png, *.jpg or *.jpeg.", Error("train"));
        Write("train/b/1.jpg", Golden("rgb.jpg"));
        Assert.Equal($"The image '{folder["train/b/1.jpg"]}' has 13 × 18 pixels; expected 5 × 7, as '{folder["train/a/1.png"]}' has (data.size: [height, width] scales all).", Error("train"));
        Write("train/b/1.jpg", "GIF89a"u8.ToArray());
        Assert.Equal($"The image '{folder["train/b/1.jpg"]}' is not used: it begins with the bytes of neither a PNG nor a JPEG file; expected a whole PNG or JPEG file.", Error("train"));
        Write("train/b/1.jpg", Golden("rgb.jpg")[..^9]);
        Assert.Contains("it does not end with the marker FF D9 (is it truncated?)", Error("train"));
        byte[] damaged = Golden("rgb.png");
        damaged[60] ^= 4;
        Write("train/b/1.jpg", damaged);
        Assert.Contains("the checksum of the chunk at byte ", Error("train"));
        Assert.StartsWith($"The folder '{folder["none"]}' cannot be read: ", Error("none"));
        Assert.Contains("expected a loss that takes classes, not mean-squared-error", Assert.Throws<DistNetException>(() => ImageDataset.Load(folder["train"], new(), LossKind.MeanSquaredError)).Message);
        Write("test/c/1.png", Golden("rgb.png"));
        Write("test/a/1.png", Golden("rgb.png"));
        Assert.EndsWith("is of the class 'c'; expected one of the classes of the training data: 'a', 'b'.",
            Assert.Throws<DistNetException>(() => ImageDataset.Load(folder["test"], new(), LossKind.CrossEntropy, new DataExpectation(new Shape(3, 5, 7), ["a", "b"]))).Message);
    }

    [Fact]
    public void A_pack_holds_the_same_data()
    {
        Write("train/a/1.png", Golden("rgb.png"));
        Write("train/b/1.png", Golden("grey.png"));
        ByteDataset data = (ByteDataset)ImageDataset.Load(folder["train"], new ImageOptions(), LossKind.CrossEntropy);
        using Stream pack = ImagePack.Open(data);
        using MemoryStream copy = new();
        pack.CopyTo(copy);
        Assert.Equal(pack.Length, copy.Length);
        string path = folder.Write("pack", copy.ToArray());
        Assert.Equal(data.Fingerprint, ImageDataset.Load(path, new ImageOptions(), LossKind.CrossEntropy).Fingerprint);
        pack.Position = 37;
        byte[] rest = new byte[pack.Length - 37];
        pack.ReadExactly(rest);
        Assert.Equal(copy.ToArray()[37..], rest);
    }

    private static byte[] Golden(string name) => DataFileGoldens.Of("images").Single(golden => golden.Name() == name).Bytes();

    private static float[] Expected(string name, string what) => DataFileGoldens.Of("images").Single(golden => golden.Name() == name).Numbers(what);

    private void Write(string name, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(folder[name])!);
        folder.Write(name, bytes);
    }

    private string Error(string name) => Assert.Throws<DistNetException>(() => ImageDataset.Load(folder[name], new ImageOptions(), LossKind.CrossEntropy)).Message;
}
