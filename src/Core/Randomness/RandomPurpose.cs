namespace DistNet.Randomness;

/// <summary>What random numbers are for: streams of different purposes never meet. The names and numbers go into results; never change them.</summary>
public enum RandomPurpose
{
    /// <summary>The order of samples in an epoch.</summary>
    Shuffle = 1,

    /// <summary>The split of a data set into training and validation.</summary>
    Split = 2,

    /// <summary>Dropout masks, and what modules of the user's own draw.</summary>
    Dropout = 3,

    /// <summary>Initial parameters.</summary>
    Initialization = 4,

    /// <summary>Random changes of images while training.</summary>
    Augmentation = 5,

    /// <summary>Choices of which elements to check, such as by a gradient check.</summary>
    Check = 6,
}
