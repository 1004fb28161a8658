//! Objects: the values that are no strings, one variant for each type.
//!
//! An object owns everything in it and knows what it weighs, so that whoever holds an entry can
//! account for it, copy it and free it without knowing the type. A new type is a variant here, a
//! line in `each!` and in [`Object::type_name`], and a line of `collections!`.

use crate::value::hash::{self, Hash};
use crate::value::list::List;
use crate::value::set::Set;
use crate::value::stream::Stream;
use crate::value::zset::Zset;

/// Objects of more allocations than this are expensive to free: leave them to the background.
/// Redis's threshold.
const LAZY_FREE_ABOVE: usize = 64;

/// A value that is no string.
#[derive(Debug)]
pub enum Object {
    /// A list.
    List(List),
    /// A set.
    Set(Set),
    /// A hash.
    Hash(Hash),
    /// A stream.
    Stream(Stream),
    /// A sorted set.
    Zset(Zset),
}

/// An object to look at: each type is kept in an entry as it is, without a word that says which.
#[derive(Clone, Copy, Debug)]
pub enum ObjectRef<'a> {
    /// A list.
    List(&'a List),
    /// A set.
    Set(&'a Set),
    /// A hash.
    Hash(&'a Hash),
    /// A stream.
    Stream(&'a Stream),
    /// A sorted set.
    Zset(&'a Zset),
}

/// An object to change.
#[derive(Debug)]
pub enum ObjectMut<'a> {
    /// A list.
    List(&'a mut List),
    /// A set.
    Set(&'a mut Set),
    /// A hash.
    Hash(&'a mut Hash),
    /// A stream.
    Stream(&'a mut Stream),
    /// A sorted set.
    Zset(&'a mut Zset),
}

/// Does the same with the value of an object of form `$form`, whatever its type.
macro_rules! each {
    ($form:ident, $object:expr, $value:ident => $do:expr) => {
        match $object {
            $form::List($value) => $do,
            $form::Set($value) => $do,
            $form::Hash($value) => $do,
            $form::Stream($value) => $do,
            $form::Zset($value) => $do,
        }
    };
}

/// A type of object: what typed access needs of it.
pub trait Collection: Default + Into<Object> {
    /// The value of this type in `object`, if it is of this type.
    fn of(object: ObjectRef<'_>) -> Option<&Self>;

    /// As [`Collection::of`], to change it.
    fn of_mut(object: ObjectMut<'_>) -> Option<&mut Self>;

    /// As [`Collection::of`], to have it; else the object comes back.
    fn from_object(object: Object) -> Result<Self, Object>;
}

macro_rules! collections {
    ($($type:ty = $variant:ident;)*) => {$(
        impl From<$type> for Object {
            fn from(value: $type) -> Object {
                Object::$variant(value)
            }
        }

        impl<'a> From<&'a $type> for ObjectRef<'a> {
            #[inline]
            fn from(value: &'a $type) -> ObjectRef<'a> {
                ObjectRef::$variant(value)
            }
        }

        impl<'a> From<&'a mut $type> for ObjectMut<'a> {
            #[inline]
            fn from(value: &'a mut $type) -> ObjectMut<'a> {
                ObjectMut::$variant(value)
            }
        }

        impl Collection for $type {
            #[inline]
            fn of(object: ObjectRef<'_>) -> Option<&Self> {
                match object {
                    ObjectRef::$variant(value) => Some(value),
                    _ => None,
                }
            }

            #[inline]
            fn of_mut(object: ObjectMut<'_>) -> Option<&mut Self> {
                match object {
                    ObjectMut::$variant(value) => Some(value),
                    _ => None,
                }
            }

            fn from_object(object: Object) -> Result<Self, Object> {
                match object {
                    Object::$variant(value) => Ok(value),
                    other => Err(other),
                }
            }
        }
    )*};
}

collections! {
    List = List;
    Set = Set;
    Hash = Hash;
    Stream = Stream;
    Zset = Zset;
}

impl Object {
    /// Looks at it.
    #[inline]
    pub fn look(&self) -> ObjectRef<'_> {
        each!(Object, self, value => value.into())
    }
}

impl ObjectMut<'_> {
    /// Looks at it.
    #[inline]
    pub fn look(&self) -> ObjectRef<'_> {
        each!(ObjectMut, self, value => (&**value).into())
    }

    /// The right to change it, for a while.
    #[inline]
    pub fn reborrow(&mut self) -> ObjectMut<'_> {
        each!(ObjectMut, self, value => (&mut **value).into())
    }
}

impl ObjectRef<'_> {
    /// The name of its type, as TYPE answers.
    pub fn type_name(self) -> &'static str {
        match self {
            ObjectRef::List(_) => "list",
            ObjectRef::Set(_) => "set",
            ObjectRef::Hash(_) => "hash",
            ObjectRef::Stream(_) => "stream",
            ObjectRef::Zset(_) => "zset",
        }
    }

    /// The name of its encoding, as OBJECT ENCODING answers.
    pub fn encoding(self) -> &'static str {
        each!(ObjectRef, self, value => value.encoding())
    }

    /// Bytes allocated for what is in it.
    #[inline]
    pub fn bytes(self) -> usize {
        each!(ObjectRef, self, value => value.bytes())
    }

    /// How many elements it has.
    #[allow(clippy::len_without_is_empty, reason = "a key is kept or goes by `is_spent`")]
    pub fn len(self) -> usize {
        each!(ObjectRef, self, value => value.len())
    }

    /// Whether its key goes with its last element.
    #[inline]
    pub fn is_spent(self) -> bool {
        match self {
            ObjectRef::List(list) => list.is_empty(),
            ObjectRef::Set(set) => set.is_empty(),
            ObjectRef::Hash(hash) => hash.is_empty(),
            // An empty stream has its counters and groups.
            ObjectRef::Stream(_) => false,
            ObjectRef::Zset(zset) => zset.is_empty(),
        }
    }

    /// A copy of all that is in it.
    pub fn duplicate(self) -> Object {
        each!(ObjectRef, self, value => value.duplicate().into())
    }

    /// Everything in it, in an order that follows from the content alone: equal for equal objects,
    /// whatever their encodings. For comparing keyspaces.
    pub fn canonical(self) -> Vec<u8> {
        let mut elements: Vec<Vec<u8>> = Vec::new();
        match self {
            ObjectRef::List(list) => list.for_each(|item| elements.push(item.to_vec())),
            ObjectRef::Set(set) => {
                elements.extend(set.iter().map(|member| member.to_vec()));
                elements.sort_unstable();
            }
            ObjectRef::Hash(hash) => {
                let text = |entry: hash::Entry<'_>| {
                    let expiry = entry.expiry.map(|at| at.to_string()).unwrap_or_default();
                    [&entry.field.to_vec()[..], b"\0=", &entry.value.to_vec(), expiry.as_bytes()]
                        .concat()
                };
                elements.extend(hash.iter(i64::MIN).map(text));
                elements.sort_unstable();
            }
            ObjectRef::Stream(stream) => stream.describe(&mut |part| elements.push(part.to_vec())),
            ObjectRef::Zset(zset) => {
                for (member, score) in zset.iter() {
                    elements.push(member.to_vec());
                    // One encoding keeps −0, the other makes it 0.
                    elements.push((score + 0.0).to_string().into_bytes());
                }
            }
        }
        let mut text = format!("{}:", self.type_name()).into_bytes();
        for element in elements {
            text.extend_from_slice(format!(" {}:", element.len()).as_bytes());
            text.extend_from_slice(&element);
        }
        text
    }

    /// When the first of a hash's fields expires, in milliseconds of Unix time.
    #[inline]
    pub fn next_field_expiry(self) -> Option<i64> {
        match self {
            ObjectRef::Hash(hash) => hash.next_expiry(),
            _ => None,
        }
    }

    /// Whether freeing it takes so long that it should be left to the background.
    pub fn needs_lazy_free(self) -> bool {
        each!(ObjectRef, self, value => value.free_effort()) > LAZY_FREE_ABOVE
    }
}
